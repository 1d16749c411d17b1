#pragma once
/// What the brokers of all workers share. Threads: any, unless a member says otherwise.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "broker/directory.hpp"
#include "broker/ports.hpp"
#include "crolang/plugin.h"
#include "modules/module_table.hpp"
#include "session/outlet.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::broker {

struct Policy {
  enum class Scope : std::uint8_t { every_message, initiation };

  bool p2p_enabled = true;
  bool relay_enabled = true;
  Scope authorization_scope = Scope::every_message;
  std::chrono::milliseconds probe_timeout{1500};  ///< 0: a held id is refused without asking
  std::size_t max_presence_ids = 1000;
  std::size_t max_presence_ids_per_second = 10'000;  ///< of a node, elsewhere; 0: no limit
  std::size_t max_validity_ids = 1000;  ///< in one question
  std::size_t max_node_id_bytes = 256;
  std::size_t max_outbox_bytes = 4194304;
};

struct Grid {
  Grid(Policy rules, std::string instance_id, const modules::ModuleTable& module_table,
       session::OutletGrid& outlet_grid, Workers& worker_set)
      : policy(rules),
        instance(std::move(instance_id)),
        modules(module_table),
        outlets(outlet_grid),
        workers(worker_set) {}

  const Policy policy;
  const std::string instance;
  const modules::ModuleTable& modules;
  session::OutletGrid& outlets;
  Workers& workers;
  Directory directory;
  Claims claims;
  telemetry::SharedCounters counters;  ///< for what happens outside a worker's turn
  std::atomic<bool> draining{false};

  /// Asks the session that holds this token for a sign of life within `timeout`. `reply` gets one
  /// of CROLANG_ALIVE … once, from this or another thread.
  void probe(std::uint64_t token, std::chrono::milliseconds timeout,
             std::function<void(std::int32_t)> reply);
};

/// The table through which a registry plugin talks to this instance. Lives as long as the grid
/// does.
crolang_registry_events registry_events(Grid& grid);

}  // namespace crolang::broker
