#include "redis-registry/reply_delay.hpp"

#include <gtest/gtest.h>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

class ReplyDelayTest : public ::testing::Test {
 protected:
  void talk(milliseconds apart) {
    for (int n = 0; n < 100; ++n) {
      now_ += apart;
      delay_.on_message(now_);
    }
  }
  bool may_delay_after(milliseconds pause) {
    for (milliseconds n{0}; n < pause; ++n) delay_.on_message(now_ += milliseconds(1));
    return delay_.may_delay(now_);
  }
  ReplyDelay::TimePoint now_{std::chrono::hours(1)};
  ReplyDelay delay_;
};

TEST_F(ReplyDelayTest, DelaysWhereMessagesAreFrequent) {
  EXPECT_FALSE(delay_.may_delay(now_));
  talk(kReplyDelay + milliseconds(1));
  EXPECT_FALSE(delay_.may_delay(now_));
  talk(milliseconds(1));
  EXPECT_TRUE(delay_.may_delay(now_));
  EXPECT_FALSE(delay_.may_delay(now_ + kReplyDelay)) << "they have stopped";
}

TEST_F(ReplyDelayTest, PausesAfterADelayInVainLongerEachTime) {
  talk(milliseconds(1));
  for (const int pause : {10, 20, 40, 80, 100, 100}) {
    delay_.on_vain(now_);
    for (int n = 1; n < pause; ++n) {
      delay_.on_message(now_ += milliseconds(1));
      EXPECT_FALSE(delay_.may_delay(now_)) << n << " of " << pause;
    }
    delay_.on_message(now_ += milliseconds(1));
    EXPECT_TRUE(delay_.may_delay(now_)) << pause;
  }
}

TEST_F(ReplyDelayTest, DoesNotPauseIfADelayInVainWasAnException) {
  talk(milliseconds(1));
  delay_.on_vain(now_);
  delay_.on_vain(now_);
  talk(milliseconds(1));
  delay_.on_success();
  delay_.on_vain(now_);
  EXPECT_TRUE(delay_.may_delay(now_));
  delay_.on_vain(now_);
  EXPECT_FALSE(delay_.may_delay(now_)) << "two in a row are none";
  EXPECT_TRUE(may_delay_after(kFirstPause)) << "the pauses are short again";
}

TEST_F(ReplyDelayTest, IsForgottenWhenIdle) {
  EXPECT_TRUE(delay_.is_idle(now_));
  delay_.on_message(now_);
  EXPECT_FALSE(delay_.is_idle(now_ + milliseconds(999)));
  EXPECT_TRUE(delay_.is_idle(now_ + milliseconds(1000)));
}

}  // namespace
}  // namespace crolang::redis_registry
