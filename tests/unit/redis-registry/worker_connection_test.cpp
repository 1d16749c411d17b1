#include "redis-registry/worker_connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scripted_worker_link.hpp"

namespace crolang::redis_registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using WorkerConnectionTest = ScriptedWorkerLink;

TEST_F(WorkerConnectionTest, PublishesRepliesToWhatArrivesBeforeItIsUp) {
  EXPECT_FALSE(connection_.may_publish());
  connection_.serve({}, now_);
  said();
  say("*3\r\n$9\r\nsubscribe\r\n$4\r\nmine\r\n:1\r\n", 1);
  say("*3\r\n$7\r\nmessage\r\n$4\r\nmine\r\n$3\r\nask\r\n", 1);
  EXPECT_THAT(batches_, ElementsAre("ask"));
  EXPECT_FALSE(is_up_);
  ASSERT_TRUE(connection_.may_publish());
  EXPECT_EQ(publish(7), kPublication);
  say("+OK\r\n:1\r\n");
  EXPECT_THAT(published_, ElementsAre("7:1"));
  EXPECT_THAT(said(), HasSubstr("beat"));
  connection_.leave("a test", now_);
  EXPECT_FALSE(connection_.may_publish());
}

}  // namespace
}  // namespace crolang::redis_registry
