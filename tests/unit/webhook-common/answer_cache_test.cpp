#include "webhook-common/answer_cache.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace crolang::webhook_common {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTtl{1000};
const AnswerCache::TimePoint kStart = AnswerCache::TimePoint{} + std::chrono::hours(1);

TEST(AnswerCache, RemembersYesAndNo) {
  AnswerCache cache(kTtl);
  cache.put("a", true, kStart, kStart);
  cache.put("b", false, kStart, kStart);
  EXPECT_EQ(cache.find("a", kStart), true);
  EXPECT_EQ(cache.find("b", kStart), false);
  EXPECT_EQ(cache.find("c", kStart), std::nullopt);
}

TEST(AnswerCache, ForgetsAfterTheTimeToLive) {
  AnswerCache cache(kTtl);
  cache.put("a", true, kStart, kStart);
  EXPECT_EQ(cache.find("a", kStart + milliseconds(999)), true);
  EXPECT_EQ(cache.find("a", kStart + milliseconds(1000)), std::nullopt);
}

TEST(AnswerCache, CountsTheTimeFromTheQuestion) {
  AnswerCache cache(kTtl);
  cache.put("a", true, kStart, kStart + milliseconds(600));
  EXPECT_EQ(cache.find("a", kStart + milliseconds(999)), true);
  EXPECT_EQ(cache.find("a", kStart + milliseconds(1000)), std::nullopt);
}

TEST(AnswerCache, DoesNotRememberWhatCameTooLate) {
  AnswerCache cache(kTtl);
  cache.put("a", true, kStart, kStart + milliseconds(1000));
  EXPECT_EQ(cache.find("a", kStart), std::nullopt);
}

TEST(AnswerCache, RemembersTheLatestAnswer) {
  AnswerCache cache(kTtl);
  cache.put("a", true, kStart, kStart);
  cache.put("a", false, kStart + milliseconds(1), kStart + milliseconds(1));
  EXPECT_EQ(cache.find("a", kStart + milliseconds(1)), false);
  // Also when the older one is in the older generation.
  cache.put("a", true, kStart + milliseconds(1100), kStart + milliseconds(1100));
  EXPECT_EQ(cache.find("a", kStart + milliseconds(1100)), true);
}

TEST(AnswerCache, KeepsAnAnswerForItsWholeTimeHoweverOthersAreForgotten) {
  AnswerCache cache(kTtl);
  cache.put("early", true, kStart, kStart);
  cache.put("a", true, kStart + milliseconds(900), kStart + milliseconds(900));
  // Each of these may turn the generations of their shard.
  for (int i = 0; i < 1000; ++i) {
    const auto now = kStart + milliseconds(1000 + i / 2);
    cache.put(std::to_string(i), true, now, now);
  }
  EXPECT_EQ(cache.find("a", kStart + milliseconds(1800)), true);
}

TEST(AnswerCache, HoldsABoundedNumberOfAnswers) {
  constexpr std::size_t kMax = 1280;
  AnswerCache cache(kTtl, kMax);
  for (int i = 0; i < 100'000; ++i) cache.put(std::to_string(i), true, kStart, kStart);
  std::size_t known = 0;
  for (int i = 0; i < 100'000; ++i) known += cache.find(std::to_string(i), kStart).has_value();
  EXPECT_LE(known, kMax);
  EXPECT_GT(known, kMax / 4);
}

TEST(AnswerCache, HoldsABoundedNumberOfBytes) {
  constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  AnswerCache cache(kTtl, AnswerCache::kMaxEntries, kMaxBytes);
  const std::string tail(1000, 'x');
  for (int i = 0; i < 10'000; ++i) cache.put(std::to_string(i) + tail, true, kStart, kStart);
  std::size_t bytes = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(i) + tail;
    if (cache.find(key, kStart)) bytes += key.size();
  }
  EXPECT_LE(bytes, kMaxBytes);
  EXPECT_GT(bytes, kMaxBytes / 4);
}

TEST(AnswerCache, DoesNotRememberAKeyThatWouldPushOutAllOthers) {
  AnswerCache cache(kTtl);
  cache.put("a", true, kStart, kStart);
  const std::string huge(1'000'000, 'x');
  cache.put(huge, true, kStart, kStart);
  EXPECT_EQ(cache.find(huge, kStart), std::nullopt);
  EXPECT_EQ(cache.find("a", kStart), true);
}

TEST(AnswerCache, CountsAKeyOnceHoweverOftenItsAnswerIsRenewed) {
  AnswerCache cache(kTtl, AnswerCache::kMaxEntries, std::size_t{1} << 20);
  cache.put("a", true, kStart, kStart);
  const std::string other(1000, 'x');
  for (int i = 0; i < 1000; ++i) cache.put(other, true, kStart, kStart);
  EXPECT_EQ(cache.find("a", kStart), true);
}

TEST(AnswerCache, ServesManyThreads) {
  AnswerCache cache(kTtl, 1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 5000; ++i) {
        const std::string key = std::to_string(i % 700);
        cache.put(key, i % 2 == 0, kStart, kStart);
        cache.find(key, kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(cache.find("0", kStart).has_value() || cache.find("699", kStart).has_value());
}

}  // namespace
}  // namespace crolang::webhook_common
