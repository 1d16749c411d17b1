#pragma once
/// How long calls of modules take, as JSON. Pure. Threads: any. Errors: std::bad_alloc.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "kinds/kinds.hpp"
#include "telemetry/latency_window.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::admin {

/// `{"p50":ms,"p99":ms}`, null where nothing was observed.
nlohmann::json quantiles_json(const telemetry::LatencyQuantiles& quantiles);

/// By kind of module: `{"registry":{"p50":ms,"p99":ms},…}`, those that were called.
nlohmann::json latencies_json(const telemetry::LatencyCounts& counts);

/// Calls of plugins of this kind that have ended; those of built-in modules are not counted.
std::uint64_t calls_of(std::span<const telemetry::Counters* const> counters, kinds::Kind kind);

}  // namespace crolang::admin
