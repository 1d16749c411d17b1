#include "webhook-common/page_size.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace crolang::webhook_common {
namespace {

using namespace std::chrono_literals;

const PageSize::TimePoint kStart{1000s};

TEST(PageSize, IsAnyUntilAServerSaysOtherwise) {
  PageSize size;
  EXPECT_GE(size.now(kStart), 1'000'000u);
}

TEST(PageSize, IsHalfOfWhatWasTooMuch) {
  PageSize size;
  EXPECT_EQ(size.halve(1000, kStart), 500u);
  EXPECT_EQ(size.now(kStart), 500u);
  EXPECT_EQ(size.halve(500, kStart), 250u);
  EXPECT_EQ(size.halve(3, kStart), 1u);
  EXPECT_EQ(size.now(kStart), 1u);
}

TEST(PageSize, DoesNotGrowWithWhatWasSentBefore) {
  PageSize size;
  size.halve(100, kStart);
  EXPECT_EQ(size.halve(1000, kStart), 50u);
}

TEST(PageSize, StaysSmallerForAWhile) {
  PageSize size;
  size.halve(1000, kStart);
  size.halve(500, kStart + 1min);
  EXPECT_EQ(size.now(kStart + 11min - 1ms), 250u);
  EXPECT_GE(size.now(kStart + 11min), 1'000'000u);
  EXPECT_EQ(size.halve(1000, kStart + 11min), 500u);
}

}  // namespace
}  // namespace crolang::webhook_common
