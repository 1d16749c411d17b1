#include "telemetry/latency_window.hpp"

namespace crolang::telemetry {

LatencyQuantiles quantiles(const HistogramCounts& counts) noexcept {
  return {counts.count(), counts.quantile(0.5), counts.quantile(0.99)};
}

void LatencyWindow::sample(TimePoint now, const LatencyCounts& counts) {
  const std::lock_guard lock(mutex_);
  // After the process was suspended all samples may be old: the last of them is where the window
  // begins.
  while (count_ > 1 && samples_[(first_ + 1) % kSamples].at <= now - kLength) {
    first_ = (first_ + 1) % kSamples;
    --count_;
  }
  if (count_ == kSamples) {
    first_ = (first_ + 1) % kSamples;
    --count_;
  }
  samples_[(first_ + count_) % kSamples] = {now, counts};
  ++count_;
}

LatencyQuantiles LatencyWindow::of(Latency latency) const {
  HistogramCounts counts;
  {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return {};
    counts = telemetry::of(samples_[(first_ + count_ - 1) % kSamples].counts, latency);
    counts -= telemetry::of(samples_[first_].counts, latency);
  }
  return quantiles(counts);
}

}  // namespace crolang::telemetry
