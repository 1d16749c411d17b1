#include "modules/module_table.hpp"

#include <gtest/gtest.h>

namespace crolang::modules {
namespace {

constexpr crolang_authorization kBuiltIn{};
constexpr crolang_authorization kOfPlugin{};
constexpr crolang_observer kOne{};
constexpr crolang_observer kTwo{};

TEST(ModuleTables, LetAPluginServeInsteadOfTheBuiltIn) {
  ModuleTable table;
  table.of<Kind::authorization>() = {&kBuiltIn};
  int self = 0;
  table.serve(Kind::authorization, &kOfPlugin, &self, "org.example.p", "VARIABLE");
  const auto& served = table.of<Kind::authorization>();
  EXPECT_EQ(served.table, &kOfPlugin);
  EXPECT_EQ(served.self, &self);
  EXPECT_EQ(served.plugin_id, "org.example.p");
  EXPECT_EQ(served.variable, "VARIABLE");
}

TEST(ModuleTables, LeaveTheOtherKindsAsTheyAre) {
  ModuleTable table;
  table.of<Kind::authorization>() = {&kBuiltIn};
  table.serve(Kind::observer, &kOne, nullptr, "one", "V");
  EXPECT_EQ(table.of<Kind::authorization>().table, &kBuiltIn);
  EXPECT_EQ(table.of<Kind::authentication>().table, nullptr);
}

TEST(ModuleTables, KeepAllPluginsOfAKindThatMayHaveMany) {
  ModuleTable table;
  table.serve(Kind::observer, &kOne, nullptr, "one", "V");
  table.serve(Kind::observer, &kTwo, nullptr, "two", "V");
  const auto& served = table.of<Kind::observer>();
  ASSERT_EQ(served.size(), 2u);
  EXPECT_EQ(served[0].table, &kOne);
  EXPECT_EQ(served[1].plugin_id, "two");
}

}  // namespace
}  // namespace crolang::modules
