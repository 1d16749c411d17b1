#include "net/plugin_metrics.hpp"

#include <chrono>
#include <new>
#include <optional>
#include <utility>

#include "crolang/until_memory.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

namespace log = telemetry::log;
using telemetry::MetricStore;

namespace {

constexpr std::uint32_t kLinesPerSecond = 10;

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

void log_refusal(std::string_view plugin, std::string_view metric, std::string_view why) {
  static telemetry::Throttle throttle{kLinesPerSecond};
  const auto suppressed = throttle.admit(std::chrono::steady_clock::now());
  if (!suppressed) return;
  log::error("a metric of a plugin was refused",
             {{"plugin", plugin}, {"metric", metric}, {"why", why}, {"suppressed", *suppressed}});
}

std::optional<MetricStore::Type> type_of(std::int32_t type) {
  if (type == CROLANG_COUNTER) return MetricStore::Type::counter;
  if (type == CROLANG_GAUGE) return MetricStore::Type::gauge;
  return std::nullopt;
}

MetricStore::Series* series_of(crolang_series* series) {
  return reinterpret_cast<MetricStore::Series*>(series);
}

}  // namespace

struct PluginMetrics::Table {
  Table(PluginMetrics& metrics, std::string_view id)
      : store(metrics.store_),
        plugin(id),
        table{sizeof(crolang_metrics), this, &declare, &make_series, &add, &set, &remove} {
    auto made = store.add_owner(id);
    owner = made.made;
    refusal = std::move(made.refusal);
  }

  static Table& of(void* ctx) { return *static_cast<Table*>(ctx); }

  // Plugins call these functions through C, so nothing is thrown.

  static crolang_metric* declare(void* ctx, std::int32_t type, const char* name, const char* help,
                                 const char* label) noexcept {
    Table& self = of(ctx);
    try {
      const auto known = type_of(type);
      if (!known) {
        log_refusal(self.plugin, view(name), "it is neither a counter nor a gauge");
        return nullptr;
      }
      const auto [made, refusal] =
          self.store.declare(*self.owner, {*known, view(name), view(help), view(label)});
      if (made == nullptr) log_refusal(self.plugin, view(name), refusal);
      return reinterpret_cast<crolang_metric*>(made);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static crolang_series* make_series(void* ctx, crolang_metric* metric,
                                     crolang_str label_value) noexcept {
    if (metric == nullptr) return nullptr;
    Table& self = of(ctx);
    try {
      const auto [made, refusal] = self.store.series(
          *reinterpret_cast<MetricStore::Metric*>(metric), {label_value.data, label_value.size});
      if (made == nullptr) log_refusal(self.plugin, {}, refusal);
      return reinterpret_cast<crolang_series*>(made);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static void add(void*, crolang_series* series, double amount) noexcept {
    if (series != nullptr) series_of(series)->add(amount);
  }

  static void set(void*, crolang_series* series, double value) noexcept {
    if (series != nullptr) series_of(series)->set(value);
  }

  static void remove(void* ctx, crolang_series* series) noexcept {
    if (series != nullptr) of(ctx).store.remove(*series_of(series));
  }

  MetricStore& store;
  const std::string plugin;
  MetricStore::Owner* owner = nullptr;  // nullptr: the plugin cannot have metrics
  std::string refusal;                  // why
  const crolang_metrics table;
};

PluginMetrics::PluginMetrics() = default;
PluginMetrics::~PluginMetrics() = default;

const void* PluginMetrics::find(const char* plugin_id, std::string_view name) noexcept {
  if (name != CROLANG_METRICS) return nullptr;
  const Table* table = nullptr;
  until_there_is_memory([&] {
    const std::lock_guard lock(mutex_);
    auto found = tables_.find(std::string_view(plugin_id));
    if (found == tables_.end()) {
      found = tables_.emplace(plugin_id, std::make_unique<Table>(*this, plugin_id)).first;
    }
    table = found->second.get();
  });
  if (table->owner != nullptr) return &table->table;
  log_refusal(table->plugin, {}, table->refusal);
  return nullptr;
}

}  // namespace crolang::net
