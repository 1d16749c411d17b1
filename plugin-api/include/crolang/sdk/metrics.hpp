/// Counters and gauges of a plugin at the broker's /metrics, crolang/metrics.h in C++.
///
///   Metrics metrics(host);
///   Counter refusals = metrics.counter("refusals", "Pairs that were refused");
///   refusals.add();
///
/// Threads: any. Errors: none. Where the broker has no such service, or refuses a metric and says
/// why in its log, everything below does nothing.
#pragma once

#include <crolang/metrics.h>

#include <crolang/sdk/base.hpp>
#include <crolang/sdk/host.hpp>
#include <string_view>

namespace crolang::plugin {

/// Copy it freely; it may be used until the plugin's destructor has returned.
class Counter {
 public:
  Counter() = default;
  Counter(const crolang_metrics* table, crolang_series* series) noexcept
      : table_(table), series_(series) {}

  void add(double amount = 1) const noexcept {
    if (series_ != nullptr) table_->add(table_->ctx, series_, amount);
  }

 private:
  const crolang_metrics* table_ = nullptr;
  crolang_series* series_ = nullptr;
};

/// Like Counter; not to be used once it was removed.
class Gauge {
 public:
  Gauge() = default;
  Gauge(const crolang_metrics* table, crolang_series* series) noexcept
      : table_(table), series_(series) {}

  void set(double value) const noexcept {
    if (series_ != nullptr) table_->set(table_->ctx, series_, value);
  }
  void add(double amount) const noexcept {
    if (series_ != nullptr) table_->add(table_->ctx, series_, amount);
  }
  void remove() const noexcept {
    if (series_ != nullptr) table_->remove(table_->ctx, series_);
  }

 private:
  const crolang_metrics* table_ = nullptr;
  crolang_series* series_ = nullptr;
};

/// A metric with a label: `S` is Counter or Gauge. Copy it freely.
template <class S>
class Family {
 public:
  Family() = default;
  Family(const crolang_metrics* table, crolang_metric* metric) noexcept
      : table_(table), metric_(metric) {}

  /// The series with this value of the label, which begins with 0.
  S with(std::string_view value) const noexcept {
    if (metric_ == nullptr) return {};
    return S(table_, table_->series(table_->ctx, metric_, raw(value)));
  }

 private:
  const crolang_metrics* table_ = nullptr;
  crolang_metric* metric_ = nullptr;
};

class Metrics {
 public:
  explicit Metrics(const Host& host) noexcept
      : table_(host.service<crolang_metrics>(CROLANG_METRICS)) {}

  /// Names, helps and labels as in crolang_metrics.declare.
  Counter counter(const char* name, const char* help) const noexcept {
    return declare<Counter>(CROLANG_COUNTER, name, help, nullptr).with({});
  }
  Gauge gauge(const char* name, const char* help) const noexcept {
    return declare<Gauge>(CROLANG_GAUGE, name, help, nullptr).with({});
  }
  Family<Counter> counters(const char* name, const char* help, const char* label) const noexcept {
    return declare<Counter>(CROLANG_COUNTER, name, help, label);
  }
  Family<Gauge> gauges(const char* name, const char* help, const char* label) const noexcept {
    return declare<Gauge>(CROLANG_GAUGE, name, help, label);
  }

 private:
  template <class S>
  Family<S> declare(std::int32_t type, const char* name, const char* help,
                    const char* label) const noexcept {
    if (table_ == nullptr) return {};
    return {table_, table_->declare(table_->ctx, type, name, help, label)};
  }

  const crolang_metrics* table_;
};

}  // namespace crolang::plugin
