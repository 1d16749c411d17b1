#include "plugin_host/variable_values.hpp"

#include <gtest/gtest.h>

namespace crolang::plugin_host {
namespace {

constexpr crolang_env kEnv[] = {
    {"FIXED", CROLANG_STRING, 0, "default", ""},
    {"SECRET", CROLANG_STRING, CROLANG_SECRET | CROLANG_RELOADABLE, nullptr, ""},
};

crolang_plugin plugin() {
  crolang_plugin plugin{};
  plugin.env = kEnv;
  plugin.env_count = std::size(kEnv);
  return plugin;
}

Lookup all(const std::string& value) {
  return [value](std::string_view) { return value; };
}
const Lookup kNothing = [](std::string_view) { return std::nullopt; };

/// "(none)", "(undeclared)", or the value.
std::string value(const VariableValues& values, std::string_view name) {
  crolang_str text{};
  switch (values.find(name, text)) {
    case VariableValues::Found::value:
      return {text.data, text.size};
    case VariableValues::Found::no_value:
      return "(none)";
    default:
      return "(undeclared)";
  }
}

TEST(VariableValues, AreWhatIsSetElseTheDefaultElseNothing) {
  EXPECT_EQ(value(VariableValues(plugin(), all("set")), "FIXED"), "set");
  EXPECT_EQ(value(VariableValues(plugin(), kNothing), "FIXED"), "default");
  EXPECT_EQ(value(VariableValues(plugin(), kNothing), "SECRET"), "(none)");
}

TEST(VariableValues, KnowNothingThatIsNotDeclared) {
  EXPECT_EQ(value(VariableValues(plugin(), all("set")), "OTHER"), "(undeclared)");
}

TEST(VariableValues, ChangeWhereTheVariableIsReloadable) {
  const VariableValues before(plugin(), all("one"));
  const auto after = before.reloaded(plugin(), all("two"));
  ASSERT_TRUE(after);
  EXPECT_EQ(value(*after, "FIXED"), "one");
  EXPECT_EQ(value(*after, "SECRET"), "two");
  EXPECT_EQ(value(before, "SECRET"), "one");
}

TEST(VariableValues, AreTheSameUnlessAReloadableOneHasChanged) {
  const VariableValues before(plugin(), all("one"));
  EXPECT_FALSE(before.reloaded(plugin(), all("one")));
  EXPECT_FALSE(before.reloaded(plugin(), [](std::string_view name) -> std::optional<std::string> {
    return name == "FIXED" ? "two" : "one";
  }));
}

TEST(VariableValues, LoseAValueThatIsNotSetAnyMore) {
  const auto after = VariableValues(plugin(), all("one")).reloaded(plugin(), kNothing);
  ASSERT_TRUE(after);
  EXPECT_EQ(value(*after, "SECRET"), "(none)");
}

}  // namespace
}  // namespace crolang::plugin_host
