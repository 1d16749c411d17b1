/// Counters and gauges that are declared while the broker runs, by plugins; what they may be is
/// bounded and checked here, since what a plugin does must not make the page of metrics unreadable.
///
/// Threads: any; add and set take no lock. Errors: a refusal in words; std::bad_alloc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "crolang/metrics.h"

namespace crolang::telemetry {

class MetricStore {
 public:
  enum class Type : std::uint8_t { counter, gauge };

  /// One value. It is never freed before the store, but used again once it was removed.
  class Series;
  struct Metric;
  /// What belongs to one plugin.
  struct Owner;

  struct Declaration {
    Type type;
    std::string_view name;
    std::string_view help;
    std::string_view label{};  ///< empty: the metric has one series
  };

  /// nullptr: refused, for this reason.
  template <class T>
  struct Made {
    T* made = nullptr;
    std::string refusal{};
  };

  static constexpr std::size_t kMostMetrics = CROLANG_MAX_PLUGIN_METRICS;
  static constexpr std::size_t kMostSeries = CROLANG_MAX_PLUGIN_METRICS;
  static constexpr std::size_t kLongestName = CROLANG_MAX_METRIC_NAME;
  static constexpr std::size_t kLongestText = CROLANG_MAX_METRIC_TEXT;

  MetricStore();
  ~MetricStore();

  /// Call it once for each plugin.
  Made<Owner> add_owner(std::string_view plugin_id);
  Made<Metric> declare(Owner& owner, const Declaration& declaration);
  /// Finds the series, or makes it.
  Made<Series> series(Metric& metric, std::string_view label_value);
  void remove(Series& series) noexcept;

  /// All metrics in Prometheus's text format.
  std::string text() const;

 private:
  mutable std::mutex mutex_;  // guards what follows, but for the values of the series
  std::deque<Owner> owners_;
  std::deque<Metric> metrics_;
};

class MetricStore::Series {
 public:
  Series() = default;

  // Hot: a plugin may count each message. One atomic operation.
  /// To a counter only what is positive and finite is added.
  void add(double amount) noexcept;
  /// Not for counters.
  void set(double value) noexcept;

 private:
  friend class MetricStore;

  std::atomic<double> value_{0};
  std::atomic<Type> type_{Type::counter};
  Metric* metric_ = nullptr;  // nullptr: it was removed
  std::string label_value_;   // as it is shown
};

}  // namespace crolang::telemetry
