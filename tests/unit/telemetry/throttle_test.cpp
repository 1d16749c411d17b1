#include "telemetry/throttle.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace crolang::telemetry {
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

}  // namespace
}  // namespace crolang::telemetry
