#include "net/timeout_gate.hpp"

#include <gtest/gtest.h>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCapacity = 4;

class TimeoutGateTest : public testing::Test {
 protected:
  /// Wakes up `late` after it meant to.
  void wake(std::chrono::milliseconds late = 0ms, std::size_t ready = 1,
            std::size_t connections = 10) {
    gate_.wake(now_, now_ - late, ready, kCapacity, connections);
  }

  TimeoutGate gate_;
  TimeoutGate::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(TimeoutGateTest, JudgesInAnOrdinaryTurn) {
  wake();
  EXPECT_TRUE(gate_.may_judge(now_));
  EXPECT_EQ(gate_.next(now_, now_ + 5s), now_ + 5s);
}

TEST_F(TimeoutGateTest, DoesNotJudgeWhileMoreMayBeReady) {
  wake(0ms, kCapacity);
  EXPECT_FALSE(gate_.may_judge(now_));
  EXPECT_EQ(gate_.next(now_, now_ + 5s), now_);
  wake(0ms, kCapacity - 1);
  EXPECT_TRUE(gate_.may_judge(now_));
}

TEST_F(TimeoutGateTest, JudgesOnceEveryConnectionHasHadItsTurn) {
  for (int i = 0; i < 2; ++i) {
    wake(0ms, kCapacity);
    EXPECT_FALSE(gate_.may_judge(now_)) << i;
  }
  wake(0ms, kCapacity);  // 12 of 10
  EXPECT_TRUE(gate_.may_judge(now_));
  wake(0ms, kCapacity);
  EXPECT_FALSE(gate_.may_judge(now_));
}

TEST_F(TimeoutGateTest, ForgivesAStandstill) {
  wake(2s);
  EXPECT_FALSE(gate_.may_judge(now_));
  EXPECT_EQ(gate_.next(now_, now_ - 2s), now_ + 2s);
  now_ += 1999ms;
  wake();
  EXPECT_FALSE(gate_.may_judge(now_));
  now_ += 1ms;
  wake();
  EXPECT_TRUE(gate_.may_judge(now_));
}

TEST_F(TimeoutGateTest, ForgivesForASecondAtLeastAndTenAtMost) {
  wake(101ms);
  EXPECT_EQ(gate_.next(now_, now_), now_ + 1s);
  now_ += 1s;
  wake();
  ASSERT_TRUE(gate_.may_judge(now_));
  wake(1h);
  EXPECT_EQ(gate_.next(now_, now_), now_ + 10s);
}

TEST_F(TimeoutGateTest, TakesALittleLatenessForNoStandstill) {
  wake(100ms);
  EXPECT_TRUE(gate_.may_judge(now_));
}

TEST_F(TimeoutGateTest, IsNotLateWhereNothingWasDue) {
  gate_.wake(now_, TimeoutGate::TimePoint::max(), 1, kCapacity, 10);
  EXPECT_TRUE(gate_.may_judge(now_));
}

TEST_F(TimeoutGateTest, JudgesBetweenTwoStandstillsHoweverOftenTheyCome) {
  // An overloaded worker is late in each of its turns, and must end the idle all the same.
  int judged = 0;
  for (int i = 0; i < 40; ++i) {
    wake(300ms);
    if (gate_.may_judge(now_)) ++judged;
    now_ += 300ms;
  }
  EXPECT_EQ(judged, 8);
}

TEST_F(TimeoutGateTest, WaitsForALaterTimeOutAsLongAsThatTakes) {
  wake(2s);
  EXPECT_EQ(gate_.next(now_, now_ + 3s), now_ + 3s);
}

}  // namespace
}  // namespace crolang::net
