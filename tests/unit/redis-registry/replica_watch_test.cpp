#include "redis-registry/replica_watch.hpp"

#include <gtest/gtest.h>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using Grant = ReplicaWatch::Grant;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr ReplicaWatch::Sentinels kNone{};

ReplicaWatch::Sentinels asked(TimePoint at) {
  return {.exist = true, .named_it = at};
}

class ReplicaWatchTest : public ::testing::Test {
 protected:
  ReplicaWatch watch_;
};

TEST_F(ReplicaWatchTest, WaitsForReplicasIfThereAreSomeOrItIsNotKnown) {
  watch_.on_connected(1, kStart);
  EXPECT_EQ(watch_.grant(kNone, kStart), Grant::once_received);
  watch_.on_connected(std::nullopt, kStart);
  EXPECT_EQ(watch_.grant(kNone, kStart), Grant::once_received);
}

TEST_F(ReplicaWatchTest, TrustsAServerThatNeverHadAny) {
  watch_.on_connected(0, kStart);
  EXPECT_EQ(watch_.grant(kNone, kStart), Grant::without);
}

TEST_F(ReplicaWatchTest, RefusesClaimsOnceTheLastReplicaIsGone) {
  watch_.on_connected(1, kStart);
  watch_.on_counted(0, kStart + milliseconds(1));
  EXPECT_EQ(watch_.grant(kNone, kStart + milliseconds(1)), Grant::refused);
  watch_.on_counted(1, kStart + milliseconds(2));
  EXPECT_EQ(watch_.grant(kNone, kStart + milliseconds(2)), Grant::once_received);
}

TEST_F(ReplicaWatchTest, WithoutSentinelsWaitsUntilADemotionWouldBeKnown) {
  watch_.on_connected(1, kStart);
  watch_.on_counted(0, kStart);
  const TimePoint known = kStart + ReplicaWatch::kDemotion;
  watch_.on_counted(0, known);
  EXPECT_EQ(watch_.grant(kNone, known - milliseconds(1)), Grant::refused);
  EXPECT_EQ(watch_.grant(kNone, known), Grant::without);
}

TEST_F(ReplicaWatchTest, AServerThatHadSomeIsNoLongerOneThatNeverHad) {
  watch_.on_connected(0, kStart);
  watch_.on_counted(1, kStart);
  watch_.on_counted(0, kStart);
  EXPECT_EQ(watch_.grant(kNone, kStart), Grant::refused);
}

TEST_F(ReplicaWatchTest, BelievesSentinelsThatWereAskedOnceAPromotionWouldBeKnown) {
  for (const std::size_t before : {0u, 1u}) {
    watch_.on_connected(before, kStart);
    watch_.on_counted(0, kStart);
    const TimePoint known = kStart + ReplicaWatch::kPromotion;
    const TimePoint now = known + milliseconds(1000);
    EXPECT_EQ(watch_.grant(asked(kStart), now), Grant::refused);
    EXPECT_EQ(watch_.grant(asked(known - milliseconds(1)), now), Grant::refused);
    EXPECT_EQ(watch_.grant(asked(known), now), Grant::without);
  }
}

TEST_F(ReplicaWatchTest, RefusesClaimsWhileSentinelsNameAnother) {
  watch_.on_connected(0, kStart);
  const ReplicaWatch::Sentinels another{.exist = true, .named_it = {}};
  EXPECT_EQ(watch_.grant(another, kStart + std::chrono::hours(1)), Grant::refused);
}

TEST_F(ReplicaWatchTest, ForgetsWithTheConnection) {
  watch_.on_connected(1, kStart);
  watch_.on_counted(0, kStart);
  watch_.on_connected(0, kStart + milliseconds(1));
  EXPECT_EQ(watch_.grant(kNone, kStart + milliseconds(1)), Grant::without);
  EXPECT_EQ(
      watch_.grant(asked(kStart + ReplicaWatch::kPromotion), kStart + ReplicaWatch::kPromotion),
      Grant::refused);
}

}  // namespace
}  // namespace crolang::redis_registry
