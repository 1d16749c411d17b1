/// What the broker measures the duration of; each has a histogram in every Counters. To add one,
/// add it here before call_first, and to latency_description.
/// Threads: any; constants and values. Errors: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kinds/kinds.hpp"
#include "telemetry/histogram.hpp"

namespace crolang::telemetry {

enum class Latency : std::uint8_t {
  admission,             ///< from the request of a node to the decision
  relay_local,           ///< from the receipt of a message to the receiver's outbox; one in 16
  relay_remote,          ///< from the receipt of a message to the other broker's answer
  heartbeat_round_trip,  ///< from ping to pong
  negotiation_answer,    ///< from an attempt to its acceptance
  call_first,            ///< from here on by kind of module, see call_latency
};
inline constexpr std::size_t kPlainLatencies = static_cast<std::size_t>(Latency::call_first);
inline constexpr std::size_t kLatencies = kPlainLatencies + kinds::kKinds;

/// From a question to a plugin of this kind to its answer or the end of its deadline. Built-in
/// modules are not measured; observers are notified and do not answer.
constexpr Latency call_latency(kinds::Kind kind) {
  return static_cast<Latency>(kPlainLatencies + kinds::index(kind));
}

/// The histogram of each, by its number.
using LatencyCounts = std::array<HistogramCounts, kLatencies>;

constexpr const HistogramCounts& of(const LatencyCounts& counts, Latency latency) {
  return counts[static_cast<std::size_t>(latency)];
}

/// What was added since `earlier`.
inline LatencyCounts since(const LatencyCounts& earlier, LatencyCounts now) noexcept {
  for (std::size_t i = 0; i < kLatencies; ++i) now[i] -= earlier[i];
  return now;
}

/// Its metric: `crolang_broker_FAMILY_seconds{LABEL="VALUE"}`. Those of one family follow each
/// other.
struct LatencyDescription {
  std::string_view family;
  std::string_view label;  ///< empty: the family has but one histogram
  std::string_view value;
  std::string_view help;
};

constexpr LatencyDescription latency_description(Latency latency) {
  constexpr std::string_view kRelay =
      "From the receipt of a message to the receiver's outbox (local, one message in 16), or to "
      "the other instance's answer (remote)";
  switch (latency) {
    case Latency::admission:
      return {"admission", "", "", "From a node's request to the decision about its admission"};
    case Latency::relay_local:
      return {"relay", "route", "local", kRelay};
    case Latency::relay_remote:
      return {"relay", "route", "remote", kRelay};
    case Latency::heartbeat_round_trip:
      return {"heartbeat_round_trip", "", "", "From a ping to its pong"};
    case Latency::negotiation_answer:
      return {"negotiation_answer", "", "",
              "From an attempt of this instance's nodes to connect to another node to its "
              "acceptance"};
    case Latency::call_first:
      break;
  }
  const std::size_t kind = static_cast<std::size_t>(latency) - kPlainLatencies;
  return {"plugin_call", "kind", kinds::kAll[kind].label(),
          "From a question to a plugin to its answer or timeout"};
}

/// Whether there is anything to measure: observers answer nothing.
constexpr bool is_measured(Latency latency) {
  return latency != call_latency(kinds::Kind::observer);
}

}  // namespace crolang::telemetry
