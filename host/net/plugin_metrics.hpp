#pragma once
/// metrics/1: the store of metrics as plugins see it. It is constructed before the plugins, and
/// destroyed after them. Threads: any. Errors: none; the log says what was refused to which plugin.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "crolang/metrics.h"
#include "plugin_host/host_services.hpp"
#include "telemetry/metric_store.hpp"

namespace crolang::net {

class PluginMetrics final : public plugin_host::ServiceProvider {
 public:
  PluginMetrics();
  ~PluginMetrics() override;

  const telemetry::MetricStore& store() const noexcept { return store_; }

  /// A table of the plugin's own. nullptr: not this service, or the plugin's id makes a prefix that
  /// is not its own.
  const void* find(const char* plugin_id, std::string_view name) noexcept override;

 private:
  struct Table;

  telemetry::MetricStore store_;
  std::mutex mutex_;                                                   // guards tables_
  std::map<std::string, std::unique_ptr<Table>, std::less<>> tables_;  // by plugin
};

}  // namespace crolang::net
