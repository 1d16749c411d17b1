#include "admin/traffic.hpp"

#include <array>

namespace crolang::admin {
namespace {

using telemetry::Counter;

constexpr std::array kRefused{
    Counter::refused_authentication,
    Counter::refused_duplicate,
    Counter::refused_invalid_id,
    Counter::refused_missing_field,
    Counter::unavailable_authentication,
    Counter::unavailable_registry,
    Counter::unavailable_rtc,
    Counter::unavailable_draining,
    Counter::unavailable_limit,
    Counter::unavailable_probing,
    Counter::unavailable_memory,
};

std::uint64_t minus(std::uint64_t later, std::uint64_t earlier) {
  return later > earlier ? later - earlier : 0;
}

template <class Number>
nlohmann::json json_of(const Traffic& traffic, Number&& number) {
  return {{"messages",
           {{"ok", number(traffic.ok)},
            {"unauthorized", number(traffic.unauthorized)},
            {"notConnected", number(traffic.not_connected)},
            {"error", number(traffic.error)},
            {"disabled", number(traffic.disabled)}}},
          {"joined", number(traffic.joined)},
          {"left", number(traffic.left)},
          {"refused", number(traffic.refused)}};
}

}  // namespace

Traffic traffic_of(std::span<const telemetry::Counters* const> counters, std::uint64_t nodes) {
  const auto sum = [&](Counter counter) {
    std::uint64_t total = 0;
    for (const telemetry::Counters* each : counters) total += each->value(counter);
    return total;
  };
  Traffic traffic;
  traffic.ok = sum(Counter::ack_ok);
  traffic.unauthorized = sum(Counter::ack_unauthorized);
  traffic.not_connected = sum(Counter::ack_not_connected);
  traffic.error = sum(Counter::ack_error);
  traffic.disabled = sum(Counter::ack_disabled);
  traffic.joined = sum(Counter::nodes_joined);
  traffic.left = minus(traffic.joined, nodes);
  for (const Counter counter : kRefused) traffic.refused += sum(counter);
  return traffic;
}

Traffic difference(const Traffic& later, const Traffic& earlier) {
  return {.ok = minus(later.ok, earlier.ok),
          .unauthorized = minus(later.unauthorized, earlier.unauthorized),
          .not_connected = minus(later.not_connected, earlier.not_connected),
          .error = minus(later.error, earlier.error),
          .disabled = minus(later.disabled, earlier.disabled),
          .joined = minus(later.joined, earlier.joined),
          .left = minus(later.left, earlier.left),
          .refused = minus(later.refused, earlier.refused)};
}

nlohmann::json counts_json(const Traffic& traffic) {
  return json_of(traffic, [](std::uint64_t count) { return count; });
}

nlohmann::json rates_json(const Traffic& traffic, std::chrono::milliseconds within) {
  const double seconds = std::chrono::duration<double>(within).count();
  return json_of(traffic, [&](std::uint64_t count) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0.0;
  });
}

std::uint64_t faults_of(std::span<const telemetry::Counters* const> counters, kinds::Kind kind) {
  using telemetry::PluginEvent;
  std::uint64_t total = 0;
  for (const telemetry::Counters* each : counters) {
    for (const PluginEvent event :
         {PluginEvent::failed, PluginEvent::timeout, PluginEvent::over_bound}) {
      total += each->value(telemetry::plugin_counter(kind, event));
    }
  }
  return total;
}

}  // namespace crolang::admin
