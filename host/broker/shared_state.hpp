#pragma once
/// State that the brokers of all workers share. Threads: any, unless a member says otherwise.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "broker/command.hpp"
#include "broker/directory.hpp"
#include "broker/instance_questions.hpp"
#include "broker/ports.hpp"
#include "crolang/plugin.h"
#include "modules/module_table.hpp"
#include "session/outbox.hpp"
#include "telemetry/event_hub.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/module_faults.hpp"

namespace crolang::broker {

struct Policy {
  enum class Scope : std::uint8_t { every_message, initiation };

  bool p2p_enabled = true;
  bool relay_enabled = true;
  Scope authorization_scope = Scope::every_message;
  std::chrono::milliseconds probe_timeout{1500};    ///< 0: a held id is refused without asking
  std::chrono::milliseconds max_connection_age{0};  ///< 0: no limit
  std::uint32_t message_rate = 0;                   ///< messages of a node per second; 0: no limit
  std::uint32_t message_burst = 0;  ///< messages of a node at once; 0: those of two seconds
  bool authorize_presence = false;  ///< a node learns only of nodes that it may send to
  std::size_t max_presence_ids = 1000;
  std::size_t max_presence_ids_per_second =
      10'000;                           ///< that a node may look up on other instances; 0: no limit
  std::size_t max_validity_ids = 1000;  ///< in one question
  std::size_t max_node_id_bytes = 256;
  std::size_t max_outbox_bytes = 4194304;
};

/// Facts about this process, for status reports.
struct About {
  std::string version;
  std::chrono::system_clock::time_point started{};
};

struct SharedState {
  SharedState(Policy rules, std::string instance_id, const modules::ModuleTable& module_table,
              session::OutboxTables& outbox_tables, Workers& worker_set, About process = {});

  const Policy policy;
  const std::string instance;
  const About about;
  const modules::ModuleTable& modules;
  session::OutboxTables& outboxes;
  Workers& workers;
  Directory directory;
  Claims claims;
  telemetry::SharedCounters counters;  ///< for what happens outside a worker's loop
  telemetry::EventHub events;          ///< for the admin interface
  telemetry::ModuleFaults module_faults;
  std::atomic<bool> draining{false};
  InstanceQuestions questions;  ///< that other instances ask

  /// Probes whether the session that holds this token responds within `timeout`. `reply` gets one
  /// of CROLANG_ALIVE … once, from this or another thread.
  void probe(std::uint64_t token, std::chrono::milliseconds timeout, ProbeReply reply);
};

/// The table through which a registry plugin calls this instance. Valid as long as `shared`.
crolang_registry_events registry_events(SharedState& shared);

}  // namespace crolang::broker
