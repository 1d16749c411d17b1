#include "telemetry/module_faults.hpp"

#include <gtest/gtest.h>

namespace crolang::telemetry {
namespace {

using namespace std::chrono_literals;
using kinds::Kind;

const ModuleFaults::TimePoint kFirstFault{1h};

TEST(ModuleFaults, KeepTheLastOfEachKind) {
  ModuleFaults faults;
  EXPECT_FALSE(faults.last(Kind::registry));
  faults.note(Kind::registry, "plugin call failed", "away", kFirstFault);
  faults.note(Kind::registry, "plugin call failed", "", kFirstFault + 1s);
  ASSERT_TRUE(faults.last(Kind::registry));
  EXPECT_EQ(faults.last(Kind::registry)->text, "plugin call failed");
  EXPECT_FALSE(faults.last(Kind::validity));
}

TEST(ModuleFaults, OfAFloodTheFirstIsKept) {
  ModuleFaults faults;
  for (int i = 0; i < 10; ++i)
    faults.note(Kind::registry, "failed", std::to_string(i), kFirstFault + i * 1ms);
  EXPECT_EQ(faults.last(Kind::registry)->text, "failed: 0");
  faults.note(Kind::registry, "failed", "later", kFirstFault + 100ms);
  EXPECT_EQ(faults.last(Kind::registry)->text, "failed: later");
}

TEST(ModuleFaults, AModuleIsFailingForAWhile) {
  ModuleFaults faults;
  EXPECT_FALSE(faults.is_failing(Kind::registry, kFirstFault));
  faults.note(Kind::registry, "failed", "", kFirstFault);
  EXPECT_TRUE(faults.is_failing(Kind::registry, kFirstFault + 29s));
  EXPECT_FALSE(faults.is_failing(Kind::registry, kFirstFault + 30s));
}

TEST(ModuleFaults, KeepAPartOfALongText) {
  ModuleFaults faults;
  faults.note(Kind::registry, "failed", std::string(100'000, 'x'), kFirstFault);
  EXPECT_LT(faults.last(Kind::registry)->text.size(), 1000u);
}

}  // namespace
}  // namespace crolang::telemetry
