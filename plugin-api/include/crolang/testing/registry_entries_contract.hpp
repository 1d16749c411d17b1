/// The part of registry_contract.hpp about the table of entries that all instances share. A
/// registry without one skips it.
#pragma once

#include <algorithm>
#include <crolang/testing/registry_fixture.hpp>

namespace crolang::plugin::testing {

/// Far enough for a test, and not rounded by a registry that keeps times as doubles.
inline constexpr std::uint64_t kInTheFuture = 4'102'444'800'123;

inline std::optional<Outcome::Entry> entry_in(const Outcome& list, const std::string& name) {
  const auto found = std::ranges::find(list.entries, name, &Outcome::Entry::name);
  return found == list.entries.end() ? std::nullopt : std::optional(*found);
}

TEST_P(RegistryContract, ListsAnEntryThatWasSet) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  const Outcome::Entry entry{id("alice"), "a value: ä\xff\n", kInTheFuture};
  answer(here().set_entry(entry));
  const Outcome list = answer(here().list_entries());
  EXPECT_EQ(list.code, CROLANG_CHANGED);
  EXPECT_FALSE(list.text.empty());
  EXPECT_EQ(entry_in(list, entry.name), entry);
  answer(here().set_entry({entry.name, {}, 0}));
}

TEST_P(RegistryContract, ReplacesAnEntryOfTheSameName) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  const std::string name = id("alice");
  answer(here().set_entry({name, "first", kInTheFuture}));
  answer(here().set_entry({name, "", kInTheFuture + 1}));
  const Outcome list = answer(here().list_entries());
  EXPECT_EQ(std::ranges::count(list.entries, name, &Outcome::Entry::name), 1);
  EXPECT_EQ(entry_in(list, name), (Outcome::Entry{name, "", kInTheFuture + 1}));
  answer(here().set_entry({name, {}, 0}));
}

TEST_P(RegistryContract, DoesNotTakeOneEntryForAnother) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  // One is the beginning of the other, and both are patterns.
  const std::string name = id("a*[%]");
  const Outcome::Entry shorter{name, "1", kInTheFuture};
  const Outcome::Entry longer{name + "x", "2", kInTheFuture};
  answer(here().set_entry(shorter));
  answer(here().set_entry(longer));
  answer(here().set_entry({shorter.name, {}, 0}));
  const Outcome list = answer(here().list_entries());
  EXPECT_EQ(entry_in(list, shorter.name), std::nullopt);
  EXPECT_EQ(entry_in(list, longer.name), longer);
  answer(here().set_entry({longer.name, {}, 0}));
}

TEST_P(RegistryContract, RemovesAnEntry) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  const std::string name = id("alice");
  answer(here().set_entry({name, "x", kInTheFuture}));
  answer(here().set_entry({name, {}, 0}));
  EXPECT_EQ(entry_in(answer(here().list_entries()), name), std::nullopt);
  // Removing what is not there does nothing.
  answer(here().set_entry({name, {}, 0}));
}

TEST_P(RegistryContract, SaysThatTheEntriesAreUnchanged) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  answer(here().set_entry({id("alice"), "x", kInTheFuture}));
  // Other tests may change the table meanwhile.
  wait_for([this] {
    const std::string version = answer(here().list_entries()).text;
    const Outcome again = answer(here().list_entries(version));
    return again.code == CROLANG_UNCHANGED && again.text == version && again.entries.empty();
  });
  const std::string version = answer(here().list_entries()).text;
  answer(here().set_entry({id("alice"), {}, 0}));
  EXPECT_EQ(answer(here().list_entries(version)).code, CROLANG_CHANGED);
}

TEST_P(RegistryContract, ListsTheLongestEntry) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  std::string name = id("long");
  name.resize(CROLANG_MAX_ENTRY_NAME, 'n');
  const Outcome::Entry entry{name, std::string(CROLANG_MAX_ENTRY_VALUE, 'v'), kInTheFuture};
  answer(here().set_entry(entry));
  EXPECT_EQ(entry_in(answer(here().list_entries()), name), entry);
  answer(here().set_entry({name, {}, 0}));
}

TEST_P(RegistryContract, RefusesAnEntryThatIsTooLong) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  const std::vector<Outcome::Entry> bad{
      {"", "x", kInTheFuture},
      {std::string(CROLANG_MAX_ENTRY_NAME + 1, 'n'), "x", kInTheFuture},
      {id("alice"), std::string(CROLANG_MAX_ENTRY_VALUE + 1, 'v'), kInTheFuture}};
  for (const Outcome::Entry& entry : bad) {
    const auto outcome = here().set_entry(entry).wait();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, CROLANG_INVALID);
  }
}

TEST_P(RegistryContract, SharesEntriesAmongInstances) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const Outcome::Entry entry{id("alice"), "x", kInTheFuture};
  answer(here().set_entry(entry));
  EXPECT_EQ(entry_in(answer(there().list_entries()), entry.name), entry);
  answer(there().set_entry({entry.name, {}, 0}));
  EXPECT_EQ(entry_in(answer(here().list_entries()), entry.name), std::nullopt);
}

TEST_P(RegistryContract, KeepsTheEntriesOfAnInstanceThatHasStopped) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  if (!shared()) GTEST_SKIP() << "serves one instance";
  const Outcome::Entry entry{id("alice"), "x", kInTheFuture};
  answer(there().set_entry(entry));
  there().stop();
  EXPECT_EQ(entry_in(answer(here().list_entries()), entry.name), entry);
  answer(here().set_entry({entry.name, {}, 0}));
}

TEST_P(RegistryContract, KeepsEntriesThatAreSetAtOnceApart) {
  if (!here().shares_entries()) GTEST_SKIP() << "shares no entries";
  constexpr int kEntries = 50;
  std::vector<Question*> asked;
  for (int i = 0; i < kEntries; ++i) {
    asked.push_back(&here().set_entry({id(std::to_string(i)), std::to_string(i), kInTheFuture}));
  }
  for (const Question* each : asked) answer(*each);
  const Outcome list = answer(here().list_entries());
  for (int i = 0; i < kEntries; ++i) {
    EXPECT_EQ(entry_in(list, id(std::to_string(i))),
              (Outcome::Entry{id(std::to_string(i)), std::to_string(i), kInTheFuture}));
    answer(here().set_entry({id(std::to_string(i)), {}, 0}));
  }
}

}  // namespace crolang::plugin::testing
