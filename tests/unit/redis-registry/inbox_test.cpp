#include "redis-registry/inbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <vector>

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InboxTest : public testing::Test {
 protected:
  bool is_woken() const {
    pollfd entry{inbox_.descriptor(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }
  std::vector<int> take() {
    std::vector<int> values;
    inbox_.take(values);
    return values;
  }

  Inbox<int> inbox_;
};

TEST_F(InboxTest, WakesOnceForABurst) {
  EXPECT_TRUE(inbox_.prepare_sleep());
  inbox_.push(1);
  EXPECT_TRUE(is_woken());
  inbox_.wake_up(true);
  EXPECT_FALSE(is_woken());
  inbox_.push(2);
  EXPECT_FALSE(is_woken());
  EXPECT_THAT(take(), ElementsAre(1, 2));
}

TEST_F(InboxTest, DoesNotWakeAThreadThatIsAwake) {
  inbox_.push(1);
  inbox_.put(2);
  inbox_.wake_if_filled();
  EXPECT_FALSE(is_woken());
  EXPECT_FALSE(inbox_.prepare_sleep());
  EXPECT_THAT(take(), ElementsAre(1, 2));
}

TEST_F(InboxTest, WakesForPutValuesOnlyOnRequest) {
  EXPECT_TRUE(inbox_.prepare_sleep());
  inbox_.put(1);
  EXPECT_FALSE(is_woken());
  inbox_.wake_if_filled();
  EXPECT_TRUE(is_woken());
}

TEST_F(InboxTest, DoesNotWakeWithoutValues) {
  EXPECT_TRUE(inbox_.prepare_sleep());
  inbox_.wake_if_filled();
  EXPECT_FALSE(is_woken());
}

TEST_F(InboxTest, DoesNotSleepWhileThereAreValues) {
  inbox_.put(1);
  EXPECT_FALSE(inbox_.prepare_sleep());
  EXPECT_THAT(take(), ElementsAre(1));
  EXPECT_TRUE(inbox_.prepare_sleep());
}

TEST_F(InboxTest, IsAwakeAfterItWasWokenByAnotherThing) {
  EXPECT_TRUE(inbox_.prepare_sleep());
  inbox_.wake_up(false);
  inbox_.push(1);
  EXPECT_FALSE(is_woken());
  EXPECT_THAT(take(), ElementsAre(1));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(InboxTest, WakesThoughNothingHasCome) {
  inbox_.wake();
  EXPECT_TRUE(is_woken());
}

}  // namespace
}  // namespace crolang::redis_registry
