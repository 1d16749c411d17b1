/// The service metrics/1 for tests, whose values can be read. Unlike a broker it judges no names;
/// it refuses only what is declared twice. Threads: any. Errors: none.
#pragma once

#include <crolang/metrics.h>

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::plugin::testing {

class FakeMetrics {
 public:
  FakeMetrics() = default;
  FakeMetrics(const FakeMetrics&) = delete;
  FakeMetrics& operator=(const FakeMetrics&) = delete;

  const crolang_metrics* table() const noexcept { return &table_; }

  /// Of a metric by the name that the plugin has declared; nullopt: there is no such series.
  std::optional<double> value(std::string_view name, std::string_view label_value = {}) const {
    const std::lock_guard lock(mutex_);
    for (const Series& each : series_) {
      if (each.metric->name == name && each.label_value == label_value) return each.value;
    }
    return std::nullopt;
  }

 private:
  struct Metric {
    std::int32_t type;
    std::string name;
  };
  struct Series {
    const Metric* metric;
    std::string label_value;
    double value = 0;
  };

  static FakeMetrics& of(void* ctx) { return *static_cast<FakeMetrics*>(ctx); }
  static Series& of(crolang_series* series) { return *reinterpret_cast<Series*>(series); }

  static crolang_metric* declare(void* ctx, std::int32_t type, const char* name, const char*,
                                 const char*) {
    FakeMetrics& self = of(ctx);
    const std::lock_guard lock(self.mutex_);
    for (const Metric& each : self.metrics_) {
      if (each.name == name) return nullptr;
    }
    return reinterpret_cast<crolang_metric*>(&self.metrics_.emplace_back(Metric{type, name}));
  }

  static crolang_series* find_series(void* ctx, crolang_metric* metric, crolang_str label_value) {
    if (metric == nullptr) return nullptr;
    FakeMetrics& self = of(ctx);
    const auto* const wanted = reinterpret_cast<const Metric*>(metric);
    const std::string value(label_value.data, label_value.size);
    const std::lock_guard lock(self.mutex_);
    for (Series& each : self.series_) {
      if (each.metric == wanted && each.label_value == value) {
        return reinterpret_cast<crolang_series*>(&each);
      }
    }
    return reinterpret_cast<crolang_series*>(&self.series_.emplace_back(Series{wanted, value}));
  }

  static void add(void* ctx, crolang_series* series, double amount) {
    if (series == nullptr) return;
    const std::lock_guard lock(of(ctx).mutex_);
    of(series).value += amount;
  }

  static void set(void* ctx, crolang_series* series, double value) {
    if (series == nullptr) return;
    const std::lock_guard lock(of(ctx).mutex_);
    if (of(series).metric->type == CROLANG_GAUGE) of(series).value = value;
  }

  static void remove(void* ctx, crolang_series* series) {
    if (series == nullptr) return;
    FakeMetrics& self = of(ctx);
    const std::lock_guard lock(self.mutex_);
    self.series_.remove_if([&](const Series& each) { return &each == &of(series); });
  }

  const crolang_metrics table_{
      sizeof(crolang_metrics), this, &declare, &find_series, &add, &set, &remove};

  mutable std::mutex mutex_;  // guards what follows
  std::list<Metric> metrics_;
  std::list<Series> series_;
};

}  // namespace crolang::plugin::testing
