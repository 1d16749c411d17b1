/// How long things took lately: median and 99th percentile of the last minute, for pages that show
/// the present. Whoever wants other intervals keeps LatencyCounts and subtracts them.
///
/// Threads: any. Errors: none. Memory: a fixed number of samples, about 26 KB.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "telemetry/latency.hpp"

namespace crolang::telemetry {

struct LatencyQuantiles {
  std::uint64_t count = 0;  ///< observations within the window
  /// nullopt: there were none.
  std::optional<std::chrono::nanoseconds> p50{};
  std::optional<std::chrono::nanoseconds> p99{};
};

LatencyQuantiles quantiles(const HistogramCounts& counts) noexcept;

class LatencyWindow {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kInterval{5};  ///< how often to call sample
  static constexpr std::chrono::seconds kLength{60};

  /// What all histograms hold now. Earlier samples must have had earlier times.
  void sample(TimePoint now, const LatencyCounts& counts);
  /// Of what was observed between the last sample and the one a kLength before it; since the first
  /// sample if there is none that old. Nothing before the second sample.
  LatencyQuantiles of(Latency latency) const;

 private:
  static constexpr std::size_t kSamples = kLength / kInterval + 1;
  struct Sample {
    TimePoint at;
    LatencyCounts counts{};
  };

  mutable std::mutex mutex_;  // guards what follows
  std::array<Sample, kSamples> samples_{};
  std::size_t first_ = 0;  // the oldest
  std::size_t count_ = 0;
};

}  // namespace crolang::telemetry
