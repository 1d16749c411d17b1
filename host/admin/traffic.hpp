#pragma once
/// What the counters say about messages and nodes, as sums since the start, and their rates.
/// Pure. Threads: any. Errors: none.

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "telemetry/metrics.hpp"

namespace crolang::admin {

struct Traffic {
  std::uint64_t ok = 0;
  std::uint64_t unauthorized = 0;
  std::uint64_t not_connected = 0;
  std::uint64_t error = 0;
  std::uint64_t disabled = 0;
  std::uint64_t joined = 0;
  std::uint64_t left = 0;
  std::uint64_t refused = 0;  ///< for good or for now
};

/// `nodes`: that are connected. Those that have joined and are not connected any more have left.
Traffic traffic_of(std::span<const telemetry::Counters* const> counters, std::uint64_t nodes);

/// What has been counted between two times. Counters are read one after the other, while they
/// grow: what seems to have shrunk counts as 0.
Traffic difference(const Traffic& later, const Traffic& earlier);

/// `{"messages":{…},"joined":n,…}`
nlohmann::json counts_json(const Traffic& traffic);
/// The same per second.
nlohmann::json rates_json(const Traffic& traffic, std::chrono::milliseconds within);

/// Calls that have failed, not been answered in time, or not been made.
std::uint64_t faults_of(std::span<const telemetry::Counters* const> counters, kinds::Kind kind);

}  // namespace crolang::admin
