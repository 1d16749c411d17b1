#include "redis-registry/entries.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::redis_registry {
namespace {

TEST(EntriesVersion, IsUnchangedIfItIsTheSame) {
  EXPECT_EQ(compare_versions("", ""), VersionChange::none);
  EXPECT_EQ(compare_versions("7.3.9", "7.3.9"), VersionChange::none);
}

TEST(EntriesVersion, HasChangedIfThereWereMoreChangesOfTheSameTable) {
  EXPECT_EQ(compare_versions("7.3.9", "7.4.1"), VersionChange::changed);
  EXPECT_EQ(compare_versions("7.3.9", "7.18446744073709551615.1"), VersionChange::changed);
}

TEST(EntriesVersion, HasChangedIfNoneWasKnown) {
  EXPECT_EQ(compare_versions("", "7.1.1"), VersionChange::changed);
}

TEST(EntriesVersion, SaysThatEntriesWereLost) {
  EXPECT_EQ(compare_versions("7.3.9", ""), VersionChange::lost);
  EXPECT_EQ(compare_versions("7.3.9", "8.4.1"), VersionChange::lost) << "another table";
  EXPECT_EQ(compare_versions("7.3.9", "7.2.1"), VersionChange::lost) << "an earlier state";
  // The last change was lost, and another one was made instead.
  EXPECT_EQ(compare_versions("7.3.9", "7.3.1"), VersionChange::lost);
}

TEST(EntriesVersion, CountsAsLostIfNoBrokerHasWrittenIt) {
  for (const std::string_view strange : {"x", "7", "7.", "7.3", "7.x.1", "7..1", "7.-1.1"}) {
    EXPECT_EQ(compare_versions("7.3.9", strange), VersionChange::lost) << strange;
    EXPECT_EQ(compare_versions(strange, "7.3.9"), VersionChange::lost) << strange;
  }
}

TEST(Entries, HaveNamesAndValuesThatAreNotTooLong) {
  const std::string name(CROLANG_MAX_ENTRY_NAME, 'n');
  const std::string value(CROLANG_MAX_ENTRY_VALUE, 'v');
  EXPECT_TRUE(Entries::is_allowed({name, value, 1}));
  EXPECT_TRUE(Entries::is_allowed({"a", "", 0}));
  EXPECT_FALSE(Entries::is_allowed({"", "x", 1}));
  EXPECT_FALSE(Entries::is_allowed({name + "n", value, 1}));
  EXPECT_FALSE(Entries::is_allowed({name, value + "v", 1}));
  EXPECT_FALSE(Entries::is_allowed({std::string_view("a\0b", 3), "x", 1}));
}

}  // namespace
}  // namespace crolang::redis_registry
