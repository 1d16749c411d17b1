#include "broker/session_expiry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::EndReason;
using session::SessionHandle;
using Expired = SessionExpiry::Expired;

constexpr SessionHandle kAlice{1, 7, 0};
constexpr SessionHandle kBob{2, 7, 0};

class SessionExpiryTest : public ::testing::Test {
 protected:
  void set(SessionHandle session, SessionExpiry::TimePoint when) {
    expiry_.set(session, when, EndReason::max_age);
  }
  static Expired expired(SessionHandle session) { return {session, EndReason::max_age}; }

  const SessionExpiry::TimePoint start_{1000s};
  SessionExpiry expiry_;
};

TEST_F(SessionExpiryTest, IsNeverDueWhileNothingIsSet) {
  EXPECT_EQ(expiry_.deadline(), SessionExpiry::TimePoint::max());
  EXPECT_EQ(expiry_.take_due(SessionExpiry::TimePoint::max()), std::nullopt);
}

TEST_F(SessionExpiryTest, ReturnsAnExpiredSessionOnce) {
  set(kAlice, start_ + 10s);
  EXPECT_EQ(expiry_.deadline(), start_ + 10s);
  EXPECT_EQ(expiry_.take_due(start_ + 10s - 1ms), std::nullopt);
  EXPECT_EQ(expiry_.take_due(start_ + 10s), expired(kAlice));
  EXPECT_EQ(expiry_.take_due(start_ + 10s), std::nullopt);
  EXPECT_EQ(expiry_.size(), 0u);
}

TEST_F(SessionExpiryTest, ReturnsTheEarliestFirst) {
  set(kAlice, start_ + 20s);
  set(kBob, start_ + 10s);
  EXPECT_EQ(expiry_.deadline(), start_ + 10s);
  EXPECT_EQ(expiry_.take_due(start_ + 30s), expired(kBob));
  EXPECT_EQ(expiry_.take_due(start_ + 30s), expired(kAlice));
}

TEST_F(SessionExpiryTest, DistinguishesSessionsThatExpireAtTheSameTime) {
  set(kBob, start_);
  set(kAlice, start_);
  EXPECT_EQ(expiry_.size(), 2u);
  const auto first = expiry_.take_due(start_);
  const auto second = expiry_.take_due(start_);
  EXPECT_THAT((std::vector{first, second}),
              ::testing::UnorderedElementsAre(expired(kAlice), expired(kBob)));
}

TEST_F(SessionExpiryTest, ForgetsWhatWasSetBefore) {
  set(kAlice, start_ + 10s);
  set(kAlice, start_ + 20s);
  EXPECT_EQ(expiry_.take_due(start_ + 10s), std::nullopt);
  EXPECT_EQ(expiry_.take_due(start_ + 20s), expired(kAlice));
  EXPECT_EQ(expiry_.size(), 0u);
}

TEST_F(SessionExpiryTest, ForgetsASessionThatHasEnded) {
  set(kAlice, start_);
  expiry_.erase(kAlice);
  expiry_.erase(kBob);
  EXPECT_EQ(expiry_.size(), 0u);
  EXPECT_EQ(expiry_.take_due(start_), std::nullopt);
}

TEST_F(SessionExpiryTest, DistinguishesASessionFromTheNextInItsSlot) {
  constexpr SessionHandle kNext{1, 8, 0};
  set(kNext, start_);
  expiry_.erase(kAlice);
  EXPECT_EQ(expiry_.take_due(start_), expired(kNext));
}

TEST_F(SessionExpiryTest, RemembersTheReason) {
  expiry_.set(kAlice, start_, EndReason::authentication_expired);
  expiry_.set(kBob, start_ + 1s, EndReason::max_age);
  EXPECT_EQ(expiry_.take_due(start_ + 1s), (Expired{kAlice, EndReason::authentication_expired}));
  EXPECT_EQ(expiry_.take_due(start_ + 1s), (Expired{kBob, EndReason::max_age}));
}

TEST_F(SessionExpiryTest, KeepsTheOrderWhateverIsSetAndErased) {
  std::minstd_rand random(1);
  struct Known {
    SessionHandle session;
    int when;
  };
  std::vector<Known> known;
  for (std::uint32_t step = 0; step < 5000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random() % 200);
    const auto found =
        std::ranges::find(known, slot, [](const Known& each) { return each.session.slot; });
    if (random() % 3 == 0) {
      if (found == known.end()) continue;
      expiry_.erase(found->session);
      known.erase(found);
      continue;
    }
    const Known next{{slot, step, 0}, static_cast<int>(random() % 1000)};
    if (found != known.end()) {
      *found = next;
    } else {
      known.push_back(next);
    }
    set(next.session, start_ + std::chrono::seconds(next.when));
  }
  EXPECT_EQ(expiry_.size(), known.size());
  std::ranges::sort(known, {}, &Known::when);
  for (const Known& next : known) {
    const auto when = start_ + std::chrono::seconds(next.when);
    ASSERT_EQ(expiry_.deadline(), when);
    const auto taken = expiry_.take_due(when);
    ASSERT_TRUE(taken);
    EXPECT_TRUE(std::ranges::any_of(known, [&](const Known& each) {
      return each.session == taken->session && each.when == next.when;
    }));
  }
  EXPECT_EQ(expiry_.size(), 0u);
}

TEST(SomeTimeBefore, IsAtMostTheShareEarlier) {
  const SessionExpiry::TimePoint from(1000s);
  const SessionExpiry::TimePoint until = from + 100s;
  EXPECT_EQ(some_time_before(until, from, 20, 0), until);
  EXPECT_EQ(some_time_before(until, from, 20, ~std::uint64_t{0}), until - 5s);
  EXPECT_EQ(some_time_before(until, from, 20, std::uint64_t{1} << 63), until - 2500ms);
}

TEST(SomeTimeBefore, IsThatTimeIfItHasPassed) {
  const SessionExpiry::TimePoint from(1000s);
  EXPECT_EQ(some_time_before(from - 1s, from, 20, ~std::uint64_t{0}), from - 1s);
  EXPECT_EQ(some_time_before(from, from, 20, ~std::uint64_t{0}), from);
}

}  // namespace
}  // namespace crolang::broker
