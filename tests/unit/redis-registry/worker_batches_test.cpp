#include "redis-registry/worker_batches.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::redis_registry {
namespace {

WorkerBatch batch(std::uint64_t number, std::string_view text, Slot slot = 7) {
  return {number, slot, "channel", text};
}

TEST(WorkerBatches, AreKeptInOrder) {
  WorkerBatches batches;
  EXPECT_TRUE(batches.is_empty());
  batches.push(batch(1, "one"));
  batches.push(batch(2, "", 8));
  EXPECT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches.front().number, 1u);
  EXPECT_EQ(batches.front().channel, "channel");
  EXPECT_EQ(batches.front().text, "one");
  batches.pop_front();
  EXPECT_EQ(batches.front().slot, 8);
  EXPECT_EQ(batches.front().text, "");
  EXPECT_TRUE(batches.has(8));
  EXPECT_FALSE(batches.has(7)) << "it was removed";
  batches.pop_front();
  EXPECT_TRUE(batches.is_empty());
}

TEST(WorkerBatches, ForgetTheNewest) {
  WorkerBatches batches;
  batches.push(batch(1, "one"));
  batches.push(batch(2, "two"));
  batches.pop_back();
  batches.push(batch(3, "three"));
  batches.pop_front();
  EXPECT_EQ(batches.front().number, 3u);
  EXPECT_EQ(batches.front().text, "three");
  batches.pop_back();
  EXPECT_TRUE(batches.is_empty());
}

// Under load there is always one that was not answered yet.
TEST(WorkerBatches, MayNeverBeEmpty) {
  WorkerBatches batches;
  batches.push(batch(0, "text 0"));
  for (std::uint64_t n = 1; n < 10'000; ++n) {
    const std::string text = "text " + std::to_string(n);
    batches.push(batch(n, text));
    if (n % 3 == 0) continue;
    const WorkerBatch oldest = batches.front();
    EXPECT_EQ(oldest.text, "text " + std::to_string(oldest.number));
    batches.pop_front();
  }
  std::uint64_t expected = batches.front().number;
  batches.for_each([&](std::uint64_t number, Slot) { EXPECT_EQ(number, expected++); });
  EXPECT_EQ(expected, 10'000u);
}

}  // namespace
}  // namespace crolang::redis_registry
