#include "telemetry/histogram.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace crolang::telemetry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(Histogram, CountsWhatIsAtABoundBelowIt) {
  Histogram histogram;
  histogram.observe(microseconds(10));
  histogram.observe(microseconds(10) + nanoseconds(1));
  const HistogramCounts counts = histogram.counts();
  EXPECT_EQ(counts.buckets[0], 1u);
  EXPECT_EQ(counts.buckets[1], 1u);
  EXPECT_EQ(counts.count(), 2u);
}

TEST(Histogram, CountsEveryBoundInItsOwnBucket) {
  Histogram histogram;
  for (const nanoseconds bound : kHistogramBounds) histogram.observe(bound);
  const HistogramCounts counts = histogram.counts();
  for (std::size_t i = 0; i < kHistogramBounds.size(); ++i) EXPECT_EQ(counts.buckets[i], 1u) << i;
  EXPECT_EQ(counts.buckets.back(), 0u);
}

TEST(Histogram, KeepsWhatExceedsTheLastBound) {
  Histogram histogram;
  histogram.observe(seconds(61));
  EXPECT_EQ(histogram.counts().buckets.back(), 1u);
  EXPECT_EQ(histogram.counts().quantile(0.5), kHistogramBounds.back());
}

TEST(Histogram, AddsUpTheTimes) {
  Histogram histogram;
  histogram.observe(milliseconds(3));
  histogram.observe(seconds(2));
  EXPECT_EQ(histogram.counts().sum, milliseconds(2003));
}

TEST(Histogram, CountsATimeBeforeItsBeginAsNothing) {
  Histogram histogram;
  histogram.observe(nanoseconds(-5));
  EXPECT_EQ(histogram.counts().buckets[0], 1u);
  EXPECT_EQ(histogram.counts().sum, nanoseconds(0));
}

TEST(Histogram, LosesNothingBetweenThreadsThatShareIt) {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) histogram.observe_shared(microseconds(n));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(histogram.counts().count(), 4000u);
  EXPECT_EQ(histogram.counts().sum, 4 * microseconds(999 * 1000 / 2));
}

TEST(HistogramCounts, HaveNoQuantileWithoutObservations) {
  EXPECT_EQ(HistogramCounts{}.quantile(0.5), std::nullopt);
}

TEST(HistogramCounts, EstimateQuantilesWithinTheBucket) {
  Histogram histogram;
  // All between 1 and 2.5 ms.
  for (int i = 0; i < 100; ++i) histogram.observe(milliseconds(2));
  EXPECT_EQ(histogram.counts().quantile(0.5), microseconds(1750));
  EXPECT_EQ(histogram.counts().quantile(1), microseconds(2500));
  EXPECT_EQ(histogram.counts().quantile(0), milliseconds(1));
}

TEST(HistogramCounts, FindTheRareSlowOnes) {
  Histogram histogram;
  for (int i = 0; i < 980; ++i) histogram.observe(microseconds(5));
  for (int i = 0; i < 20; ++i) histogram.observe(milliseconds(700));
  const HistogramCounts counts = histogram.counts();
  EXPECT_LE(*counts.quantile(0.5), microseconds(10));
  EXPECT_GT(*counts.quantile(0.99), milliseconds(500));
  EXPECT_LE(*counts.quantile(0.99), seconds(1));
}

TEST(HistogramCounts, AddAndSubtract) {
  Histogram histogram;
  histogram.observe(milliseconds(3));
  const HistogramCounts earlier = histogram.counts();
  histogram.observe(milliseconds(30));
  HistogramCounts between = histogram.counts();
  between -= earlier;
  EXPECT_EQ(between.count(), 1u);
  EXPECT_EQ(between.sum, milliseconds(30));
  between += earlier;
  EXPECT_EQ(between.buckets, histogram.counts().buckets);
  EXPECT_EQ(between.sum, milliseconds(33));
}

}  // namespace
}  // namespace crolang::telemetry
