#include "broker/message_rate.hpp"

#include <gtest/gtest.h>

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::SessionHandle;
using Result = MessageRate::Result;

constexpr SessionHandle kAnn{3, 7, 0};
constexpr SessionHandle kBob{1, 7, 0};

class MessageRateTest : public ::testing::Test {
 protected:
  /// How many of so many messages at once are within the limit.
  int within(int messages, SessionHandle node = kAnn) {
    int taken = 0;
    for (int i = 0; i < messages; ++i) taken += rate_.take(node, now_) == Result::within ? 1 : 0;
    return taken;
  }

  MessageRate rate_{10, 5};
  MessageRate::TimePoint now_{1000s};
};

TEST_F(MessageRateTest, AllowsABurstAtOnce) {
  EXPECT_EQ(within(100), 5);
}

TEST_F(MessageRateTest, AllowsTheRateOnAverage) {
  within(5);
  now_ += 99ms;
  EXPECT_EQ(within(1), 0);
  now_ += 1ms;
  EXPECT_EQ(within(2), 1);
  now_ += 300ms;
  EXPECT_EQ(within(100), 3);
}

TEST_F(MessageRateTest, SavesNoMoreThanABurst) {
  within(5);
  now_ += 1h;
  EXPECT_EQ(within(100), 5);
}

TEST_F(MessageRateTest, DoesNotChargeMessagesOverTheLimit) {
  within(1000);
  now_ += 100ms;
  EXPECT_EQ(within(1), 1);
}

TEST_F(MessageRateTest, CountsEachNodeByItself) {
  EXPECT_EQ(within(9, kAnn), 5);
  EXPECT_EQ(within(9, kBob), 5);
}

TEST_F(MessageRateTest, StartsAnewForTheNextNodeOfASlot) {
  within(9, kAnn);
  EXPECT_EQ(within(9, SessionHandle{3, 8, 0}), 5);
}

TEST_F(MessageRateTest, AllowsTheMessagesOfTwoSecondsAtOnceUnlessABurstIsSet) {
  MessageRate rate(10, 0);
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += rate.take(kAnn, now_) == Result::within ? 1 : 0;
  EXPECT_EQ(taken, 20);
}

TEST_F(MessageRateTest, DisconnectsANodeThatStaysOverTheLimit) {
  within(5);
  const auto since = now_;
  EXPECT_EQ(rate_.take(kAnn, now_), Result::over);
  while (now_ < since + 10s - 50ms) {
    now_ += 50ms;
    EXPECT_NE(rate_.take(kAnn, now_), Result::long_over);
  }
  now_ = since + 10s;
  within(4);  // what the last 50 ms allow
  EXPECT_EQ(rate_.take(kAnn, now_), Result::long_over);
}

TEST_F(MessageRateTest, ForgivesANodeThatPausesUntilItsBurstIsAvailableAgain) {
  within(6);
  for (int i = 0; i < 100; ++i) {
    now_ += 500ms;
    EXPECT_EQ(within(5), 5);
    EXPECT_EQ(rate_.take(kAnn, now_), Result::over) << i;
  }
}

TEST_F(MessageRateTest, KeepsNothingWithoutALimit) {
  MessageRate rate(0, 5);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(rate.take(kAnn, now_), Result::within);
  EXPECT_EQ(rate.slots(), 0u);
}

}  // namespace
}  // namespace crolang::broker
