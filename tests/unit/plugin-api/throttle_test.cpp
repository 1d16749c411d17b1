#include <gtest/gtest.h>

#include <atomic>
#include <crolang/throttle.hpp>
#include <thread>
#include <vector>

namespace crolang {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::steady_clock::time_point kStart{1000s};

TEST(Throttle, AdmitsSoManyASecond) {
  Throttle throttle(2);
  EXPECT_TRUE(throttle.admit(kStart));
  EXPECT_TRUE(throttle.admit(kStart + 1ms));
  EXPECT_FALSE(throttle.admit(kStart + 2ms));
  EXPECT_FALSE(throttle.admit(kStart + 999ms));
  EXPECT_TRUE(throttle.admit(kStart + 1s));
}

TEST(Throttle, SaysHowManyItSuppressedSinceTheLastLine) {
  Throttle throttle(1);
  EXPECT_EQ(throttle.admit(kStart), 0u);
  throttle.admit(kStart);
  throttle.admit(kStart);
  EXPECT_EQ(throttle.admit(kStart + 1s), 2u);
  EXPECT_EQ(throttle.admit(kStart + 2s), 0u);
}

TEST(Throttle, HoldsItsLimitAcrossThreads) {
  Throttle throttle(10);
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n)
        if (throttle.admit(kStart)) ++admitted;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted, 10);
  EXPECT_EQ(throttle.admit(kStart + 1s), 3990u);
}

enum class Reason { this_one, that_one };

TEST(Throttles, LimitEachReasonByItself) {
  Throttles<Reason> throttles{1};
  const std::chrono::steady_clock::time_point now{std::chrono::seconds(5)};
  EXPECT_TRUE(throttles.admit(Reason::this_one, now));
  EXPECT_FALSE(throttles.admit(Reason::this_one, now));
  EXPECT_TRUE(throttles.admit(Reason::that_one, now));
  EXPECT_EQ(throttles.admit(Reason::this_one, now + std::chrono::seconds(1)), 1U);
  EXPECT_EQ(throttles.admit(Reason::that_one, now + std::chrono::seconds(1)), 0U);
}

}  // namespace
}  // namespace crolang
