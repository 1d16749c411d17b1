/// The validated configuration: whoever holds a Settings need not check anything again.
/// Threads: any; plain values. Errors: all at once, as sentences for the operator; secrets are
/// never in them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/unread.hpp"

namespace crolang::config {

enum class LogFormat { text, json };
enum class AuthorizationScope { every_message, initiation };
enum class Switch { off, on };

struct Settings {
  std::uint16_t port{};
  std::string bind_address{};  ///< empty: `::` with IPv4, else 0.0.0.0
  unsigned workers{};

  int log_level{};
  LogFormat log_format{};
  Switch metrics{};

  Switch p2p_connection{};
  Switch websocket_relay{};
  AuthorizationScope authorization_scope{};

  std::chrono::milliseconds ping_interval{};
  std::chrono::milliseconds ping_timeout{};
  std::chrono::milliseconds handshake_timeout{};
  std::chrono::milliseconds duplicate_id_probe_timeout{};  ///< 0: refuse without asking
  std::chrono::milliseconds nodes_status_check_interval{};
  std::chrono::milliseconds plugin_timeout{};
  std::chrono::milliseconds drain_duration{};

  std::size_t max_connections{};   ///< 0: the file limit
  std::size_t max_memory_bytes{};  ///< 0: a share of what there is
  std::size_t max_payload_bytes{};
  std::size_t max_outbox_bytes{};  ///< at least twice max_payload_bytes
  std::size_t max_presence_ids{};
  std::size_t max_presence_ids_per_second{};  ///< 0: no limit
  std::size_t max_validity_ids{};
  std::size_t max_node_id_bytes{};

  std::string plugins_dir{};  ///< empty: beside the binary
};

struct Loaded {
  Settings settings;                  ///< to be used only if there are no faults
  std::vector<std::string> faults;    ///< exit code 2
  std::vector<std::string> warnings;  ///< for standard error and the log
  std::vector<std::string> refused;   ///< names of variables that faults are about
};

/// Validates the host's variables and `plugin_variables` (all that the chosen plugins declare)
/// together. `neighbours`: what else somebody may have set and rely on.
Loaded load(const Environment& environment, std::span<const Variable> plugin_variables = {},
            const Neighbours& neighbours = {});

}  // namespace crolang::config
