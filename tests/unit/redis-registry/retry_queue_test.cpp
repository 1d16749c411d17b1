#include "redis-registry/retry_queue.hpp"

#include <gmock/gmock.h>

#include <memory>

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};

class RetryQueueTest : public testing::Test {
 protected:
  void queue(int number, std::uint64_t map = 1) {
    // Owns what cannot be copied.
    retry_queue_.add([this, kept = std::make_unique<int>(number)] { ran_.push_back(*kept); }, map,
                     kStart);
  }

  RetryQueue retry_queue_;
  std::vector<int> ran_;
};

TEST_F(RetryQueueTest, WaitsForAnotherMap) {
  queue(1);
  retry_queue_.run_due(1, kStart);
  EXPECT_THAT(ran_, IsEmpty());
  retry_queue_.run_due(2, kStart);
  EXPECT_THAT(ran_, ElementsAre(1));
  EXPECT_TRUE(retry_queue_.is_empty());
}

TEST_F(RetryQueueTest, WaitsNoLongerThanAMoment) {
  queue(1);
  retry_queue_.run_due(1, kStart + RetryQueue::kPause - TimePoint::duration(1));
  EXPECT_THAT(ran_, IsEmpty());
  retry_queue_.run_due(1, kStart + RetryQueue::kPause);
  EXPECT_THAT(ran_, ElementsAre(1));
}

TEST_F(RetryQueueTest, KeepsTheOrder) {
  queue(1);
  queue(2, 2);
  queue(3);
  retry_queue_.run_due(2, kStart);
  EXPECT_THAT(ran_, ElementsAre(1, 3));
  retry_queue_.run_all();
  EXPECT_THAT(ran_, ElementsAre(1, 3, 2));
}

TEST_F(RetryQueueTest, LetsWhatItRunsBeQueuedAgain) {
  retry_queue_.add([this] { queue(1); }, 1, kStart);
  retry_queue_.run_due(2, kStart);
  EXPECT_FALSE(retry_queue_.is_empty());
  retry_queue_.run_due(2, kStart);
  EXPECT_THAT(ran_, ElementsAre(1));
}

}  // namespace
}  // namespace crolang::redis_registry
