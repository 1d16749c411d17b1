/// The validated configuration: the values of a Settings need no further checks.
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

#include "client_address/policy.hpp"
#include "config/environment.hpp"
#include "config/unread.hpp"

namespace crolang::config {

enum class LogFormat { text, json };
enum class AuthorizationScope { every_message, initiation };
enum class Switch { off, on };
enum class TlsVersion { tls12, tls13 };
enum class TlsRecordLayer { compact, openssl };

/// Of the port that nodes connect to. The files have not been read.
struct TlsSettings {
  std::string certificate_files{};  ///< separated by commas; empty: no TLS
  std::string key_files{};          ///< set if and only if certificate_files is
  std::string client_authority_file{};
  TlsVersion minimum_version{};
  TlsRecordLayer record_layer{};
};

/// Of the admin interface; the token is in Values.
struct AdminSettings {
  std::uint16_t port{};  ///< 0: none
  std::string bind_address{};
  std::size_t max_streams{};
  Switch open_metrics{};
};

struct Settings {
  std::uint16_t port{};
  std::uint16_t plain_port{};  ///< without TLS and PROXY headers; 0: none
  std::string bind_address{};  ///< empty: `::` with IPv4, else 0.0.0.0
  unsigned workers{};
  std::string allowed_origins{};  ///< valid for origin::AllowList; empty: every origin

  TlsSettings tls{};

  AdminSettings admin{};

  client_address::Policy clients{};  ///< PROXY headers are required only from trusted proxies

  int log_level{};
  LogFormat log_format{};
  Switch metrics{};

  Switch p2p_connection{};
  Switch websocket_relay{};
  AuthorizationScope authorization_scope{};
  Switch authorize_presence{};

  std::chrono::milliseconds ping_interval{};
  std::chrono::milliseconds ping_timeout{};
  std::chrono::milliseconds handshake_timeout{};
  std::chrono::milliseconds duplicate_id_probe_timeout{};  ///< 0: refuse without a probe
  std::chrono::milliseconds nodes_status_check_interval{};
  std::chrono::milliseconds plugin_timeout{};
  std::chrono::milliseconds drain_duration{};
  std::chrono::milliseconds max_connection_age{};  ///< 0: no limit

  std::size_t max_connections{};                ///< 0: the file limit
  std::uint32_t max_connections_per_address{};  ///< 0: no limit
  std::uint32_t connection_rate_per_address{};  ///< per second; 0: no limit
  std::uint32_t max_handshakes{};               ///< 0: no limit
  std::size_t max_memory_bytes{};               ///< 0: a share of the available memory
  std::size_t max_payload_bytes{};
  std::size_t max_outbox_bytes{};          ///< at least twice max_payload_bytes
  std::uint32_t message_rate_per_node{};   ///< 0: no limit
  std::uint32_t message_burst_per_node{};  ///< 0: the messages of two seconds
  std::size_t max_presence_ids{};
  std::size_t max_presence_ids_per_second{};  ///< 0: no limit
  std::size_t max_validity_ids{};
  std::size_t max_node_id_bytes{};

  std::string plugins_dir{};  ///< empty: beside the binary
};

struct Loaded {
  Settings settings;                  ///< valid only if there are no faults
  std::vector<std::string> faults;    ///< exit code 2
  std::vector<std::string> warnings;  ///< for standard error and the log
  std::vector<std::string> refused;   ///< names of variables that faults are about
};

/// Validates the host's variables and `plugin_variables` (all that the chosen plugins declare)
/// together. `bundled`: the variables of the bundled plugins, for warnings about those that are set
/// but not read.
Loaded load(const Environment& environment, std::span<const Variable> plugin_variables = {},
            std::span<const BundledVariable> bundled = {});

}  // namespace crolang::config
