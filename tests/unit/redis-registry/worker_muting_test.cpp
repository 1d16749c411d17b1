// That Redis is told not to reply to publications, and to reply again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "scripted_worker_link.hpp"

namespace crolang::redis_registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kNoNumber = WorkerConnection::kNoNumber;

using WorkerMutingTest = ScriptedWorkerLink;

TEST_F(WorkerMutingTest, IsForPublicationsWithoutANumber) {
  connect("+OK\r\n");
  EXPECT_TRUE(connection_.may_mute());
  EXPECT_EQ(publish(1), kPublication);
  EXPECT_EQ(publish(kNoNumber), kOff + kPublication);
  EXPECT_EQ(publish(kNoNumber), kPublication);
  EXPECT_EQ(publish(2), kOn + kPublication);
  EXPECT_EQ(publish(kNoNumber), kOff + kPublication);
  say(":3\r\n+OK\r\n:0\r\n");
  EXPECT_THAT(published_, ElementsAre("1:3", "2:0"));
  EXPECT_TRUE(connection_.is_up());
}

TEST_F(WorkerMutingTest, IsNotForHeartbeats) {
  connect("+OK\r\n");
  publish(kNoNumber);
  now_ += kHeartbeatAfter;
  connection_.tick(now_);
  const std::string all = said();
  EXPECT_TRUE(all.starts_with(kOn)) << all;
  EXPECT_THAT(all, HasSubstr("beat"));
  say("+OK\r\n:1\r\n");
  EXPECT_THAT(published_, IsEmpty());
  EXPECT_TRUE(connection_.is_up());
}

TEST_F(WorkerMutingTest, IsLeftOutWhereRedisRefusesIt) {
  connect("-NOPERM User broker has no permissions to run the 'client|reply' command\r\n");
  EXPECT_FALSE(connection_.may_mute());
  EXPECT_EQ(publish(kNoNumber), kPublication);
  EXPECT_EQ(publish(1), kPublication);
  say(":1\r\n:2\r\n");
  EXPECT_THAT(published_, ElementsAre("1:2"));
  EXPECT_TRUE(connection_.is_up());
}

TEST_F(WorkerMutingTest, IsForgottenWithTheConnection) {
  connect("+OK\r\n");
  publish(kNoNumber);
  connection_.drop("a test", now_);
  EXPECT_EQ(down_, "a test");
  is_up_ = false;
  for (int& end : redis_) ::close(std::exchange(end, -1));
  connection_.leave("another", now_);
  connect("-ERR unknown command 'CLIENT'\r\n");
  EXPECT_FALSE(connection_.may_mute());
  EXPECT_EQ(publish(kNoNumber), kPublication);
}

TEST_F(WorkerMutingTest, DoesNotHideThatRedisIsSilent) {
  connect("+OK\r\n");
  publish(kNoNumber);
  publish(1);
  for (int n = 0; n < 40; ++n) {
    now_ += std::chrono::milliseconds(100);
    say("*3\r\n$7\r\nmessage\r\n$4\r\nmine\r\n$4\r\nbeat\r\n", 1);
    connection_.tick(now_);
    if (!down_.empty()) break;
  }
  EXPECT_THAT(down_, HasSubstr("no answer"));
}

}  // namespace
}  // namespace crolang::redis_registry
