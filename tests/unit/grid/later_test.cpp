#include "grid/later.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace crolang::grid {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(Later, HasAValueThatWasSetBefore) {
  Later<int> later;
  later.set(7);
  EXPECT_EQ(later.wait_until(steady_clock::now()), 7);
}

TEST(Later, WaitsForAnotherThread) {
  const auto later = std::make_shared<Later<int>>();
  std::thread setter([later] { later->set(7); });
  EXPECT_EQ(later->wait_until(steady_clock::now() + 60s), 7);
  setter.join();
}

TEST(Later, WaitsNoLongerThanItIsAsked) {
  Later<int> later;
  EXPECT_EQ(later.wait_until(steady_clock::now() + 1ms), std::nullopt);
  // Too late, but it does no harm.
  later.set(7);
}

}  // namespace
}  // namespace crolang::grid
