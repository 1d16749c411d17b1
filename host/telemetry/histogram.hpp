/// How long something took, counted in buckets of fixed bounds. The same bounds serve everything
/// that is measured, so that the number of series is fixed when the broker is built.
///
/// Threads: one writer, or several through observe_shared; read from any thread while it is written
/// to, without a lock. Errors: none. Memory: 184 bytes, never more.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace crolang::telemetry {

/// Upper bounds, inclusive; what took longer than the last is in one more bucket. They are close
/// enough for an estimate that is at most 2.5 times off, and far enough apart to be few.
inline constexpr std::array<std::chrono::nanoseconds, 21> kHistogramBounds = [] {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  return std::array<std::chrono::nanoseconds, 21>{
      microseconds(10),   microseconds(25),  microseconds(50),  microseconds(100),
      microseconds(250),  microseconds(500), milliseconds(1),   microseconds(2500),
      milliseconds(5),    milliseconds(10),  milliseconds(25),  milliseconds(50),
      milliseconds(100),  milliseconds(250), milliseconds(500), seconds(1),
      milliseconds(2500), seconds(5),        seconds(10),       seconds(30),
      seconds(60)};
}();
inline constexpr std::size_t kHistogramBuckets = kHistogramBounds.size() + 1;

/// What a histogram held at one time, or what was added to it between two times.
struct HistogramCounts {
  std::array<std::uint64_t, kHistogramBuckets> buckets{};  ///< not cumulative
  std::chrono::nanoseconds sum{};

  std::uint64_t count() const noexcept;
  /// An estimate of the time that the part `q` (0 to 1) of all observations did not exceed: linear
  /// between the bounds of its bucket. The last bound if it exceeded that. nullopt: there were no
  /// observations.
  std::optional<std::chrono::nanoseconds> quantile(double q) const noexcept;

  HistogramCounts& operator+=(const HistogramCounts& other) noexcept;
  /// `earlier`: counts of the same histograms at an earlier time.
  HistogramCounts& operator-=(const HistogramCounts& earlier) noexcept;
};

class Histogram {
 public:
  // Hot: some of them per message. No locked instruction.
  /// Thread: the only writer. Less than nothing counts as nothing.
  void observe(std::chrono::nanoseconds taken) noexcept {
    const std::uint64_t nanoseconds = floored(taken);
    std::atomic<std::uint64_t>& bucket = buckets_[bucket_of(nanoseconds)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + nanoseconds, std::memory_order_relaxed);
  }
  /// Threads: any, if none of them calls observe.
  void observe_shared(std::chrono::nanoseconds taken) noexcept {
    const std::uint64_t nanoseconds = floored(taken);
    buckets_[bucket_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(nanoseconds, std::memory_order_relaxed);
  }
  /// Any thread. What is observed at the same time may be in the sum and not yet in a bucket.
  HistogramCounts counts() const noexcept;

 private:
  static std::uint64_t floored(std::chrono::nanoseconds taken) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(taken.count(), 0));
  }
  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept {
    const auto* const bound =
        std::lower_bound(kHistogramBounds.begin(), kHistogramBounds.end(), nanoseconds,
                         [](std::chrono::nanoseconds each, std::uint64_t value) {
                           return static_cast<std::uint64_t>(each.count()) < value;
                         });
    return static_cast<std::size_t>(bound - kHistogramBounds.begin());
  }

  std::array<std::atomic<std::uint64_t>, kHistogramBuckets> buckets_{};
  std::atomic<std::uint64_t> sum_{0};  // nanoseconds
};

static_assert(sizeof(Histogram) == 184);

}  // namespace crolang::telemetry
