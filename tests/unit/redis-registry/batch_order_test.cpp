#include "redis-registry/batch_order.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using enum BatchOrder::Result;

class BatchOrderTest : public testing::Test {
 protected:
  BatchOrder::Result check(const std::string& sender, std::uint64_t number) {
    std::string batch;
    append_head(batch, sender, number);
    return order_.check(batch, now_);
  }

  BatchOrder::TimePoint now_{std::chrono::hours(1)};
  BatchOrder order_;
};

TEST_F(BatchOrderTest, KnowsWhatComesTwiceOrAfterALaterOne) {
  EXPECT_EQ(check("{a}:0", 5), fresh);
  EXPECT_EQ(check("{a}:0", 5), repeated);
  EXPECT_EQ(check("{a}:0", 7), fresh);
  EXPECT_EQ(check("{a}:0", 5), repeated) << "not the last one";
  EXPECT_EQ(check("{a}:0", 6), late);
  EXPECT_EQ(check("{a}:0", 6), repeated);
  EXPECT_EQ(check("{a}:0", 7), repeated);
  EXPECT_EQ(check("{a}:0", 8), fresh);
  EXPECT_EQ(check("{a}:1", 6), fresh) << "of another worker link";
}

TEST_F(BatchOrderTest, TakesForRepeatedWhatIsTooOldToTell) {
  for (std::uint64_t number = 2; number <= 4000; number += 2) {
    EXPECT_EQ(check("{a}:0", number), fresh);
  }
  EXPECT_EQ(check("{a}:0", 3000), repeated);
  EXPECT_EQ(check("{a}:0", 3001), late);
  EXPECT_EQ(check("{a}:0", 3001), repeated);
  EXPECT_EQ(check("{a}:0", 1000), repeated);
  EXPECT_EQ(check("{a}:0", 1001), repeated);
}

TEST_F(BatchOrderTest, SaysNothingOfWhatHasNoNumber) {
  EXPECT_EQ(check("{a}:0", 1), fresh);
  EXPECT_EQ(check("{a}:0", 0), fresh);
  EXPECT_EQ(check("{a}:0", 0), fresh);
  EXPECT_EQ(order_.check("no batch", now_), fresh);
  EXPECT_EQ(order_.check("no batch", now_), fresh);
}

TEST_F(BatchOrderTest, ForgetsASenderThatIsSilent) {
  EXPECT_EQ(check("{a}:0", 7), fresh);
  EXPECT_EQ(check("{b}:0", 7), fresh);
  now_ += milliseconds(4000);
  EXPECT_EQ(check("{a}:0", 6), late);
  EXPECT_EQ(check("{b}:0", 8), fresh);
  now_ += milliseconds(1000);
  EXPECT_EQ(check("{a}:0", 6), fresh) << "what was late does not count";
  EXPECT_EQ(check("{b}:0", 6), late);
  EXPECT_EQ(check("{b}:0", 7), repeated);
}

TEST_F(BatchOrderTest, RemembersABoundedNumberOfSenders) {
  constexpr int kMany = 20'000;
  for (int n = 0; n < kMany; ++n) check("{" + std::to_string(n) + "}:0", 2);
  EXPECT_EQ(check("{0}:0", 1), late);
  EXPECT_EQ(check("{" + std::to_string(kMany - 1) + "}:0", 1), fresh);
}

}  // namespace
}  // namespace crolang::redis_registry
