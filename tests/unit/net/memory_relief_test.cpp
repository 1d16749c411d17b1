#include "net/memory_relief.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using process::MemoryBudget;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Holder = MemoryRelief::Holder;
using Outcome = MemoryRelief::Outcome;

constexpr std::size_t kMiB = 1024 * 1024;
constexpr MemoryRelief::TimePoint kNow(1000s);

std::vector<Holder> holding(const std::vector<std::size_t>& bytes) {
  std::vector<Holder> holders;
  for (const std::size_t each : bytes) {
    holders.push_back({each, {static_cast<std::uint32_t>(holders.size()), 1, 0}});
  }
  return holders;
}

class MemoryReliefTest : public ::testing::Test {
 protected:
  /// Slots of those that are ended.
  std::vector<std::uint32_t> relieve(MemoryBudget& memory, const std::vector<std::size_t>& bytes,
                                     std::size_t largest_of_all) {
    std::vector<std::uint32_t> ended;
    outcome_ = relief_.relieve(memory, holding(bytes), largest_of_all, [&](const Holder& holder) {
      ended.push_back(holder.connection.slot);
    });
    return ended;
  }

  MemoryRelief relief_;
  Outcome outcome_{};
};

TEST_F(MemoryReliefTest, IsDueWhileMemoryIsExhaustedButNotAllTheTime) {
  const MemoryBudget tight(1);
  EXPECT_TRUE(relief_.is_due(tight, kNow));
  EXPECT_FALSE(relief_.is_due(tight, kNow + 9ms));
  EXPECT_TRUE(relief_.is_due(tight, kNow + 10ms));
}

TEST_F(MemoryReliefTest, IsNotDueWhileThereIsMemory) {
  const MemoryBudget ample(std::uint64_t{1} << 40);
  EXPECT_FALSE(relief_.is_due(ample, kNow));
}

TEST_F(MemoryReliefTest, EndsTheLargestUntilEnoughIsGivenUp) {
  MemoryBudget memory(1);
  // What it takes to be back at the limit: one by two thirds of the excess, then the next.
  const std::size_t excess = memory.excess();
  const std::size_t most = excess / 3 * 2;

  EXPECT_THAT(relieve(memory, {most, most, most}, most), ElementsAre(0, 1));
  EXPECT_EQ(outcome_, Outcome::freed);
  EXPECT_EQ(memory.excess(), 0U);
}

TEST_F(MemoryReliefTest, SparesConnectionsThatHoldLessThanAQuarterOfTheLargest) {
  MemoryBudget memory(1);

  EXPECT_THAT(relieve(memory, {400, 100, 99}, 400), ElementsAre(0, 1));
}

TEST_F(MemoryReliefTest, EndsNobodyWhereAnotherWorkerHasFarLargerOnes) {
  MemoryBudget memory(1);

  EXPECT_THAT(relieve(memory, {1000}, 10 * kMiB), IsEmpty());
  EXPECT_EQ(outcome_, Outcome::nothing_freed);
}

TEST_F(MemoryReliefTest, EndsNobodyWhereEnoughHasBeenGivenUpMeanwhile) {
  MemoryBudget memory(std::uint64_t{1} << 40);

  EXPECT_THAT(relieve(memory, {kMiB}, kMiB), IsEmpty());
}

TEST_F(MemoryReliefTest, LooksAnewOnceWhatWasGivenUpIsFreed) {
  MemoryBudget memory(1);
  const std::uint64_t before = memory.used();
  memory.subtract_freed(before);
  ASSERT_EQ(memory.used(), 0U);

  relief_.return_freed(memory, Outcome::freed, kNow);
  EXPECT_GT(memory.used(), 0U);
}

}  // namespace
}  // namespace crolang::net
