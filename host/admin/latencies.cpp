#include "admin/latencies.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace crolang::admin {
namespace {

nlohmann::json milliseconds(const std::optional<std::chrono::nanoseconds>& time) {
  if (!time) return nullptr;
  return std::chrono::duration<double, std::milli>(*time).count();
}

}  // namespace

nlohmann::json quantiles_json(const telemetry::LatencyQuantiles& quantiles) {
  return {{"p50", milliseconds(quantiles.p50)}, {"p99", milliseconds(quantiles.p99)}};
}

nlohmann::json latencies_json(const telemetry::LatencyCounts& counts) {
  nlohmann::json latencies = nlohmann::json::object();
  for (const kinds::Description& kind : kinds::kAll) {
    const auto quantiles =
        telemetry::quantiles(telemetry::of(counts, telemetry::call_latency(kind.kind)));
    if (quantiles.count != 0) latencies[std::string(kind.label())] = quantiles_json(quantiles);
  }
  return latencies;
}

std::uint64_t calls_of(std::span<const telemetry::Counters* const> counters, kinds::Kind kind) {
  const auto counts = telemetry::latency_counts(counters);
  return telemetry::quantiles(telemetry::of(counts, telemetry::call_latency(kind))).count;
}

}  // namespace crolang::admin
