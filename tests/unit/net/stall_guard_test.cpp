#include "net/stall_guard.hpp"

#include <gtest/gtest.h>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCapacity = 4;

class StallGuardTest : public testing::Test {
 protected:
  /// Wakes up `late` after it meant to.
  void wake(std::chrono::milliseconds late = 0ms, std::size_t ready = 1,
            std::size_t connections = 10) {
    stalls_.wake(now_, now_ - late, ready, kCapacity, connections);
  }

  StallGuard stalls_;
  StallGuard::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(StallGuardTest, ChecksInAnOrdinaryIteration) {
  wake();
  EXPECT_TRUE(stalls_.may_check(now_));
  EXPECT_EQ(stalls_.next(now_, now_ + 5s), now_ + 5s);
}

TEST_F(StallGuardTest, DoesNotCheckWhileMoreMayBeReady) {
  wake(0ms, kCapacity);
  EXPECT_FALSE(stalls_.may_check(now_));
  EXPECT_EQ(stalls_.next(now_, now_ + 5s), now_);
  wake(0ms, kCapacity - 1);
  EXPECT_TRUE(stalls_.may_check(now_));
}

TEST_F(StallGuardTest, ChecksOnceEveryConnectionHasBeenRead) {
  for (int i = 0; i < 2; ++i) {
    wake(0ms, kCapacity);
    EXPECT_FALSE(stalls_.may_check(now_)) << i;
  }
  wake(0ms, kCapacity);  // 12 of 10
  EXPECT_TRUE(stalls_.may_check(now_));
  wake(0ms, kCapacity);
  EXPECT_FALSE(stalls_.may_check(now_));
}

TEST_F(StallGuardTest, PostponesTimeOutsAfterASuspension) {
  wake(2s);
  EXPECT_FALSE(stalls_.may_check(now_));
  EXPECT_EQ(stalls_.next(now_, now_ - 2s), now_ + 2s);
  now_ += 1999ms;
  wake();
  EXPECT_FALSE(stalls_.may_check(now_));
  now_ += 1ms;
  wake();
  EXPECT_TRUE(stalls_.may_check(now_));
}

TEST_F(StallGuardTest, PostponesTimeOutsForASecondAtLeastAndTenAtMost) {
  wake(101ms);
  EXPECT_EQ(stalls_.next(now_, now_), now_ + 1s);
  now_ += 1s;
  wake();
  ASSERT_TRUE(stalls_.may_check(now_));
  wake(1h);
  EXPECT_EQ(stalls_.next(now_, now_), now_ + 10s);
}

TEST_F(StallGuardTest, DoesNotTreatALittleLatenessAsASuspension) {
  wake(100ms);
  EXPECT_TRUE(stalls_.may_check(now_));
}

TEST_F(StallGuardTest, IsNotLateWhereNothingWasDue) {
  stalls_.wake(now_, StallGuard::TimePoint::max(), 1, kCapacity, 10);
  EXPECT_TRUE(stalls_.may_check(now_));
}

TEST_F(StallGuardTest, ChecksBetweenTwoSuspensionsHoweverOftenTheyCome) {
  // An overloaded worker is late in each of its turns, and must end the idle all the same.
  int checked = 0;
  for (int i = 0; i < 40; ++i) {
    wake(300ms);
    if (stalls_.may_check(now_)) ++checked;
    now_ += 300ms;
  }
  EXPECT_EQ(checked, 8);
}

TEST_F(StallGuardTest, WaitsForALaterTimeOutAsLongAsThatTakes) {
  wake(2s);
  EXPECT_EQ(stalls_.next(now_, now_ + 3s), now_ + 3s);
}

}  // namespace
}  // namespace crolang::net
