#include "telemetry/latency_window.hpp"

#include <gtest/gtest.h>

#include "telemetry/metrics.hpp"

namespace crolang::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LatencyWindowTest : public ::testing::Test {
 protected:
  void sample(seconds at) {
    const Counters* const all[] = {&counters_};
    window_.sample(start_ + at, latency_counts(all));
  }
  std::uint64_t count(Latency latency = Latency::admission) { return window_.of(latency).count; }

  const LatencyWindow::TimePoint start_{std::chrono::hours(1)};
  WorkerCounters counters_;
  LatencyWindow window_;
};

TEST_F(LatencyWindowTest, HasNothingBeforeTheSecondSample) {
  counters_.observe(Latency::admission, milliseconds(1));
  EXPECT_EQ(count(), 0u);
  sample(seconds(0));
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(window_.of(Latency::admission).p50, std::nullopt);
}

TEST_F(LatencyWindowTest, TellsWhatCameBetweenItsSamples) {
  sample(seconds(0));
  for (int i = 0; i < 10; ++i) counters_.observe(Latency::admission, milliseconds(2));
  counters_.observe(call_latency(kinds::Kind::registry), milliseconds(40));
  sample(seconds(5));
  const LatencyQuantiles admissions = window_.of(Latency::admission);
  EXPECT_EQ(admissions.count, 10u);
  EXPECT_GT(*admissions.p50, milliseconds(1));
  EXPECT_LE(*admissions.p99, std::chrono::microseconds(2500));
  EXPECT_EQ(count(call_latency(kinds::Kind::registry)), 1u);
  EXPECT_EQ(count(call_latency(kinds::Kind::authorization)), 0u);
}

TEST_F(LatencyWindowTest, ForgetsWhatIsOlderThanItsLength) {
  for (seconds at{0}; at <= 2 * LatencyWindow::kLength; at += LatencyWindow::kInterval) {
    sample(at);
    counters_.observe(Latency::admission, milliseconds(1));
  }
  EXPECT_EQ(count(), 12u);
}

TEST_F(LatencyWindowTest, ForgetsAllAfterALongSuspension) {
  for (int i = 0; i < 5; ++i) {
    sample(seconds(5 * i));
    counters_.observe(Latency::admission, milliseconds(1));
  }
  sample(seconds(1000));
  EXPECT_EQ(count(), 1u);
  sample(seconds(1005));
  EXPECT_EQ(count(), 1u);
  sample(seconds(1060));
  EXPECT_EQ(count(), 0u);
}

TEST_F(LatencyWindowTest, KeepsNoMoreSamplesThanItHasRoomForIfTheyComeTooOften) {
  for (int i = 0; i < 100; ++i) {
    sample(seconds(i));
    counters_.observe(Latency::admission, milliseconds(1));
  }
  EXPECT_EQ(count(), 12u);
}

TEST(Latency, HasAMetricOfItsOwnForEachThatIsMeasured) {
  for (std::size_t i = 0; i < kLatencies; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const auto a = latency_description(static_cast<Latency>(i));
      const auto b = latency_description(static_cast<Latency>(k));
      EXPECT_FALSE(a.family == b.family && a.value == b.value) << i << ' ' << k;
    }
  }
}

}  // namespace
}  // namespace crolang::telemetry
