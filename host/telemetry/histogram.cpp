#include "telemetry/histogram.hpp"

#include <cmath>
#include <numeric>

namespace crolang::telemetry {

std::uint64_t HistogramCounts::count() const noexcept {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::optional<std::chrono::nanoseconds> HistogramCounts::quantile(double q) const noexcept {
  const std::uint64_t all = count();
  if (all == 0) return std::nullopt;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < kHistogramBounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here != 0 && below + here >= rank) {
      const auto upper = static_cast<double>(kHistogramBounds[i].count());
      const double lower = i == 0 ? 0 : static_cast<double>(kHistogramBounds[i - 1].count());
      return std::chrono::nanoseconds(
          std::llround(lower + (upper - lower) * (rank - below) / here));
    }
    below += here;
  }
  return kHistogramBounds.back();
}

HistogramCounts& HistogramCounts::operator+=(const HistogramCounts& other) noexcept {
  for (std::size_t i = 0; i < kHistogramBuckets; ++i) buckets[i] += other.buckets[i];
  sum += other.sum;
  return *this;
}

HistogramCounts& HistogramCounts::operator-=(const HistogramCounts& earlier) noexcept {
  for (std::size_t i = 0; i < kHistogramBuckets; ++i) buckets[i] -= earlier.buckets[i];
  sum -= earlier.sum;
  return *this;
}

HistogramCounts Histogram::counts() const noexcept {
  HistogramCounts result;
  for (std::size_t i = 0; i < kHistogramBuckets; ++i) {
    result.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  }
  result.sum =
      std::chrono::nanoseconds(static_cast<std::int64_t>(sum_.load(std::memory_order_relaxed)));
  return result;
}

}  // namespace crolang::telemetry
