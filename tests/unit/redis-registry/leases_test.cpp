#include "redis-registry/leases.hpp"

#include <gmock/gmock.h>

#include <string>

#include "crolang/plugin.h"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr milliseconds kTtl{60'000};

class LeasesTest : public ::testing::Test {
 protected:
  void hold(const std::string& id, std::uint64_t token, TimePoint now = kStart) {
    leases_.add_requested(id, token);
    EXPECT_TRUE(leases_.mark_held(token, now));
  }

  Leases leases_{"here", kTtl};
};

TEST(LeaseValue, SaysTokenStateAndInstance) {
  EXPECT_EQ(to_value({0xab, false, {}, "here"}), "00000000000000ab-0.0@here");
  EXPECT_EQ(to_value({~std::uint64_t{0}, true, {0x1f, 12}, "here"}), "ffffffffffffffff+12.1f@here");
}

TEST(LeaseValue, IsReadAsItWasWritten) {
  for (const std::uint64_t token : {std::uint64_t{1}, std::uint64_t{1} << 53, ~std::uint64_t{0}}) {
    const SessionAddress address{token, static_cast<std::uint32_t>(token)};
    const std::string value = to_value({token, true, address, "there"});
    const auto holding = parse_value(value);
    ASSERT_TRUE(holding);
    EXPECT_EQ(holding->token, token);
    EXPECT_TRUE(holding->announced);
    EXPECT_EQ(holding->address, address);
    EXPECT_EQ(holding->instance, "there");
  }
}

TEST(LeaseValue, IsNotWhatAnybodyElseWrote) {
  for (const char* value :
       {"", "x", "00000000000000ab", "00000000000000ab-", "00000000000000ab-0.0@",
        "00000000000000ab-here", "0000000000000000-0.0@here", "00000000000000abx0.0@here",
        "+000000000000ab--0.0@here", "00000000000000zz-0.0@here", "00000000000000ab-.0@here",
        "00000000000000ab-0.@here", "00000000000000ab-0@here", "00000000000000ab-a.0@here",
        "00000000000000ab-0.x@here", "00000000000000ab--1.0@here",
        "00000000000000ab-4294967296.0@here", "00000000000000ab-0.10000000000000000@here"}) {
    EXPECT_FALSE(parse_value(value)) << value;
  }
}

TEST(LeaseValue, NamesNoInstanceLongerThanOneCanBe) {
  const std::string longest(CROLANG_MAX_INSTANCE, 'x');
  EXPECT_EQ(parse_value(to_value({1, true, {}, longest}))->instance, longest);
  EXPECT_FALSE(parse_value(to_value({1, true, {}, longest + "x"})));
}

TEST_F(LeasesTest, KnowWhatWasAskedFor) {
  leases_.add_requested("alice", 1);
  ASSERT_NE(leases_.find(1), nullptr);
  EXPECT_EQ(leases_.find(1)->id, "alice");
  EXPECT_FALSE(leases_.find(1)->held);
}

TEST_F(LeasesTest, DoNotHoldWhatWasGivenUpMeanwhile) {
  leases_.add_requested("alice", 1);
  EXPECT_TRUE(leases_.erase(1));
  EXPECT_FALSE(leases_.mark_held(1, kStart));
  EXPECT_EQ(leases_.size(), 0u);
}

TEST_F(LeasesTest, KeepTwoAskersOfOneIdApart) {
  leases_.add_requested("alice", 1);
  leases_.add_requested("alice", 2);
  leases_.erase(1);
  EXPECT_TRUE(leases_.mark_held(2, kStart));
}

TEST_F(LeasesTest, SayInTheirValueWhetherTheSessionHasJoined) {
  hold("alice", 0xab);
  EXPECT_EQ(leases_.value(0xab, *leases_.find(0xab)), "00000000000000ab-0.0@here");
  EXPECT_TRUE(leases_.announce(0xab));
  EXPECT_EQ(leases_.value(0xab, *leases_.find(0xab)), "00000000000000ab+0.0@here");
}

TEST_F(LeasesTest, AnnounceOnlyWhatThereIs) {
  EXPECT_FALSE(leases_.announce(1));
}

TEST_F(LeasesTest, AreDueAfterAThirdOfTheTtlAtTheLatest) {
  hold("alice", 1);
  EXPECT_THAT(leases_.take_due(kStart + kTtl / 5, 10), IsEmpty());
  EXPECT_THAT(leases_.take_due(kStart + kTtl / 3, 10), ElementsAre(1));
}

TEST_F(LeasesTest, AreDueAgainAThirdLater) {
  hold("alice", 1);
  const TimePoint first = kStart + kTtl / 3;
  EXPECT_THAT(leases_.take_due(first, 10), SizeIs(1));
  EXPECT_THAT(leases_.take_due(first, 10), IsEmpty());
  EXPECT_THAT(leases_.take_due(first + kTtl / 3, 10), SizeIs(1));
}

TEST_F(LeasesTest, AreTakenInBatches) {
  for (std::uint64_t token = 1; token <= 5; ++token) hold("n" + std::to_string(token), token);
  const TimePoint due = kStart + kTtl / 3;
  EXPECT_THAT(leases_.take_due(due, 3), SizeIs(3));
  EXPECT_THAT(leases_.take_due(due, 3), SizeIs(2));
  EXPECT_THAT(leases_.take_due(due, 3), IsEmpty());
}

TEST_F(LeasesTest, ThatAreNotHeldYetAreNeverDue) {
  leases_.add_requested("alice", 1);
  leases_.make_all_due(kStart);
  EXPECT_THAT(leases_.take_due(kStart + kTtl, 10), IsEmpty());
}

TEST_F(LeasesTest, ThatWereGivenUpAreNeverDue) {
  hold("alice", 1);
  leases_.erase(1);
  EXPECT_THAT(leases_.take_due(kStart + kTtl, 10), IsEmpty());
}

TEST_F(LeasesTest, CanAllBeMadeDue) {
  hold("alice", 1);
  hold("bob", 2);
  leases_.make_all_due(kStart);
  EXPECT_THAT(leases_.take_due(kStart, 10), UnorderedElementsAre(1, 2));
}

TEST_F(LeasesTest, NameThoseThatAreNotHeldToo) {
  leases_.add_requested("alice", 1);
  hold("bob", 2);
  EXPECT_THAT(leases_.tokens(), UnorderedElementsAre(1, 2));
}

TEST_F(LeasesTest, CanBePutOff) {
  hold("alice", 1);
  leases_.postpone(1, kStart + milliseconds(1000));
  EXPECT_THAT(leases_.take_due(kStart + milliseconds(999), 10), IsEmpty());
  EXPECT_THAT(leases_.take_due(kStart + milliseconds(1000), 10), ElementsAre(1));
}

TEST_F(LeasesTest, TakenTogetherPart) {
  for (std::uint64_t token = 1; token <= 1000; ++token) hold(std::to_string(token), token);
  const std::size_t half = leases_.take_due(kStart + kTtl * 7 / 24, 1000).size();
  EXPECT_GT(half, 300u);
  EXPECT_LT(half, 700u);
}

TEST_F(LeasesTest, KnowsTheHeldOnesOfSomeIds) {
  hold("a", 1);
  hold("b", 2);
  leases_.add_requested("a2", 3);
  const auto begins_with_a = [](std::string_view id) { return id.starts_with('a'); };
  EXPECT_THAT(leases_.held_tokens(begins_with_a), ElementsAre(1));
}

TEST_F(LeasesTest, HandsALeaseOverWhichIsDueThereAtOnce) {
  hold("a", 1);
  leases_.announce(1);
  hold("b", 2);
  Leases other("here", kTtl);
  const TimePoint later = kStart + milliseconds(1000);
  other.reserve(1);
  leases_.move_to(other, 1, later);

  EXPECT_EQ(leases_.find(1), nullptr);
  EXPECT_THAT(leases_.tokens(), ElementsAre(2));
  ASSERT_NE(other.find(1), nullptr);
  EXPECT_EQ(other.find(1)->id, "a");
  EXPECT_TRUE(other.find(1)->announced);
  EXPECT_THAT(other.take_due(later - milliseconds(1), 9), IsEmpty());
  EXPECT_THAT(other.take_due(later, 9), ElementsAre(1));
  EXPECT_THAT(leases_.take_due(kStart + kTtl, 9), ElementsAre(2)) << "and is due nowhere else";
}

}  // namespace
}  // namespace crolang::redis_registry
