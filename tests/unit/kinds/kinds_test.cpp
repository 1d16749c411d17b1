#include "kinds/kinds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace crolang::kinds {
namespace {

using ::testing::Not;
using ::testing::StartsWith;

TEST(Kinds, AreCounted) {
  EXPECT_EQ(kKinds, 6u);
  EXPECT_EQ(kQuestions, 17u);
}

TEST(Kinds, StandWhereTheirValueSays) {
  for (std::size_t i = 0; i < kKinds; ++i) EXPECT_EQ(index(kAll[i].kind), i);
  EXPECT_EQ(describe(Kind::observer).name, CROLANG_OBSERVER);
}

TEST(Kinds, AreFoundByName) {
  for (const Description& each : kAll) EXPECT_EQ(find(each.name), &each);
  EXPECT_EQ(find("registry/2"), nullptr);
  EXPECT_EQ(find(""), nullptr);
}

TEST(Kinds, HaveNamesAndVariablesOfTheirOwn) {
  std::set<std::string_view> seen;
  for (const Description& each : kAll) {
    EXPECT_TRUE(seen.insert(each.name).second) << each.name;
    EXPECT_TRUE(seen.insert(each.plugin_variable).second) << each.name;
    if (each.setting.name.empty()) continue;
    EXPECT_TRUE(seen.insert(each.setting.name).second) << each.name;
    EXPECT_TRUE(seen.insert(each.setting.bundled).second) << each.name;
  }
}

TEST(Kinds, SayWhatAnOperatorReads) {
  for (const Description& each : kAll) {
    EXPECT_FALSE(each.plugin_help.empty()) << each.name;
    EXPECT_FALSE(each.built_in.empty()) << each.name;
    EXPECT_EQ(each.setting.help.empty(), each.setting.name.empty()) << each.name;
  }
}

TEST(Kinds, AreLabelledWithoutTheirRevision) {
  EXPECT_EQ(describe(Kind::rtc_config).label(), "rtc-config");
}

TEST(Kinds, EndTheirTableWithTheLastFunctionOfTheFirstRelease) {
  EXPECT_EQ(describe(Kind::authorization).table_size(), sizeof(crolang_authorization));
  // "presence" is younger.
  EXPECT_EQ(describe(Kind::registry).table_size(), offsetof(crolang_registry, presence));
}

TEST(KindNames, AreListed) {
  EXPECT_THAT(names(), StartsWith("registry/1, rtc-config/1, "));
  EXPECT_THAT(names(), Not(testing::EndsWith(", ")));
}

TEST(Questions, GoToAKindOfModule) {
  EXPECT_EQ(describe(Question::authenticate).kind, Kind::authentication);
  EXPECT_EQ(describe(Question::authorize).kind, Kind::authorization);
  EXPECT_EQ(describe(Question::resolve_rtc).kind, Kind::rtc_config);
  EXPECT_EQ(describe(Question::check_validity).kind, Kind::validity);
  EXPECT_EQ(describe(Question::flush).kind, Kind::registry);
}

TEST(Questions, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kQuestions; ++i)
    names.insert(question_name(static_cast<Question>(i)));
  EXPECT_EQ(names.size(), kQuestions);
}

}  // namespace
}  // namespace crolang::kinds
