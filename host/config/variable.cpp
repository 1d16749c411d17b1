#include "config/variable.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "client_address/address_set.hpp"
#include "config/admin_variables.hpp"
#include "config/url.hpp"
#include "kinds/kinds.hpp"
#include "origin/allow_list.hpp"
#include "system/cpus.hpp"
#include "text/alternatives.hpp"

namespace crolang::config {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kDayMs = 24 * kHourMs;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr unsigned kMostWorkers = 256;

const char* const kListening = "Listening";
const char* const kTls = "TLS";
const char* const kProxies = "Proxies in front of the broker";
const char* const kLog = "Log and metrics";
const char* const kMessages = "Nodes and messages";
const char* const kTimes = "Times";
const char* const kLimits = "Limits";
const char* const kServices = "Services that the bundled plugins ask";
const char* const kPlugins = "Plugins, by name or path";

std::uint64_t default_workers() {
  return std::clamp(system::usable_cpus(), 1u, kMostWorkers);
}

/// The variable that loads the bundled plugin of a kind.
Variable setting_of(const kinds::Setting& setting) {
  return {.name = std::string(setting.name),
          .type = Type::url,
          .default_note = std::string(setting.without),
          .help = std::string(setting.help),
          .secrecy =
              setting.secrecy == kinds::Setting::Secrecy::secret ? Secrecy::secret : Secrecy::shown,
          .group = kServices,
          .example = std::string(setting.example)};
}

Variable plugin_of(const kinds::Description& kind) {
  return {.name = std::string(kind.plugin_variable),
          .help = std::string(kind.plugin_help),
          .group = kPlugins};
}

/// All variables except those that choose modules.
std::vector<Variable> own_table() {
  return {
      {.name = "PORT",
       .type = Type::uint,
       .default_value = "8080",
       .help = "TCP port to listen on",
       .min = 1,
       .max = 65535,
       .group = kListening},
      {.name = "PLAIN_PORT",
       .type = Type::uint,
       .default_value = "0",
       .help =
           "a second TCP port, without TLS and without PROXY headers, for health checks and for "
           "proxies in a private network; 0: none",
       .max = 65535,
       .group = kListening},
      {.name = "BIND_ADDRESS",
       .type = Type::address,
       .default_note = ":: with IPv4, else 0.0.0.0",
       .help = "numeric address to listen on",
       .group = kListening},
      {.name = "WORKERS",
       .type = Type::uint,
       .default_note = "the CPUs available to it",
       .help =
           "threads that serve connections; by default as many as CPU affinity and the cgroup's "
           "CPU quota allow",
       .min = 1,
       .max = kMostWorkers,
       .group = kListening,
       .measured_default = default_workers},
      {.name = "ALLOWED_ORIGINS",
       .type = Type::origins,
       .default_note = "every page",
       .help = "web pages from which nodes may connect, as https://app.example.org or "
               "https://*.example.org, separated by commas; a request with another Origin is "
               "answered 403, one without Origin passes",
       .group = kListening},

      {.name = "TLS_CERT_FILE",
       .default_note = "no TLS",
       .help = "certificate chain in PEM; then PORT speaks TLS only. Several files, separated by "
               "commas, are chosen by the server name that a client asks for; needs TLS_KEY_FILE",
       .group = kTls},
      {.name = "TLS_KEY_FILE",
       .default_note = "no TLS",
       .help = "private key in PEM, without a passphrase; with several certificates their keys in "
               "the same order; needs TLS_CERT_FILE",
       .group = kTls},
      {.name = "TLS_MIN_VERSION",
       .type = Type::choice,
       .default_value = "1.2",
       .help = "the oldest version of TLS that clients may use",
       .choices = {"1.2", "1.3"},
       .group = kTls},
      {.name = "TLS_CLIENT_CA_FILE",
       .default_note = "clients need no certificate",
       .help = "CA certificates in PEM; then only clients with a certificate that one of these CAs "
               "has issued may connect to PORT",
       .group = kTls},
      {.name = "TLS_RECORD_LAYER",
       .type = Type::choice,
       .default_value = "compact",
       .help = "what encrypts after the handshake; compact: in TLS 1.3 the broker itself with "
               "OpenSSL's ciphers, which takes a fraction of the memory; openssl: OpenSSL always",
       .choices = {"compact", "openssl"},
       .group = kTls},

      {.name = "TRUSTED_PROXIES",
       .type = Type::address_set,
       .default_note = "none",
       .help = "addresses and ranges of the proxies whose statements about their clients' "
               "addresses are "
               "trusted: 10.0.0.0/8,2001:db8::1; those of other peers are ignored",
       .group = kProxies},
      {.name = "CLIENT_ADDRESS_HEADER",
       .type = Type::choice,
       .default_value = "X-Forwarded-For",
       .help = "the header in which trusted proxies name the client",
       .choices = {"X-Forwarded-For", "Forwarded"},
       .group = kProxies},
      {.name = "PROXY_PROTOCOL",
       .type = Type::boolean,
       .default_value = "false",
       .help = "trusted proxies begin each connection with a header of the PROXY protocol, version "
               "1 or 2; from other peers it is refused; needs TRUSTED_PROXIES",
       .group = kProxies},

      {.name = "LOG_LEVEL",
       .type = Type::uint,
       .default_value = "0",
       .help = "0 start, stop, faults and what operators do; 1 connections; 2 relayed messages "
               "(event, from, to and size, never their content); 3 everything",
       .max = 3,
       .group = kLog},
      {.name = "LOG_FORMAT",
       .type = Type::choice,
       .default_value = "text",
       .help = "one line per event, as text or as a JSON object",
       .choices = {"text", "json"},
       .group = kLog},
      {.name = "METRICS_ENABLED",
       .type = Type::boolean,
       .default_value = "false",
       .help = "serve GET /metrics for Prometheus on the same port",
       .group = kLog},

      {.name = "P2P_CONNECTION_ENABLED",
       .type = Type::boolean,
       .default_value = "true",
       .help = "relay what nodes need to connect to each other; if false such events are answered "
               "DISABLED",
       .group = kMessages},
      {.name = "WEBSOCKET_RELAY_ENABLED",
       .type = Type::boolean,
       .default_value = "true",
       .help = "relay SOCKET_MSG_EXCHANGE; if false it is answered DISABLED",
       .group = kMessages},
      {.name = "AUTHORIZE_NODES_COMMUNICATION_SCOPE",
       .type = Type::choice,
       .default_value = "every-message",
       .help = "which messages are authorized; initiation: only CONNECTION_ATTEMPT and "
               "SOCKET_MSG_EXCHANGE",
       .choices = {"every-message", "initiation"},
       .group = kMessages},
      {.name = "AUTHORIZE_PRESENCE",
       .type = Type::boolean,
       .default_value = "false",
       .help = "authorize questions about who is connected too: a node that may not send to "
               "another is told that it is not connected",
       .group = kMessages},
      {.name = "NEGOTIATION_INSIGHT",
       .type = Type::boolean,
       .default_value = "true",
       .help = "keep for a while what passes between nodes that want to connect, never an SDP or "
               "an address, and say why they do not",
       .group = kMessages},

      {.name = "PING_INTERVAL_MS",
       .type = Type::uint,
       .default_value = "25000",
       .help = "time between two heartbeats of a connection",
       .min = 100,
       .max = kHourMs,
       .group = kTimes},
      {.name = "PING_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "20000",
       .help =
           "how long a heartbeat may stay unanswered, and how long a node may read nothing from "
           "its outbox",
       .min = 100,
       .max = kHourMs,
       .group = kTimes},
      {.name = "HANDSHAKE_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "10000",
       .help =
           "time for the request's header, then for the node's CONNECT; also how long a connection "
           "without a node may stay idle",
       .min = 100,
       .max = kHourMs,
       .group = kTimes},
      {.name = "DUPLICATE_ID_PROBE_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "1500",
       .help = "how long a connected node may stay silent when another connection claims its id, "
               "before it loses it; 0: refuse the other connection without a probe",
       .max = 60'000,
       .group = kTimes},
      {.name = "NODES_STATUS_CHECK_INTERVAL_MS",
       .type = Type::uint,
       .default_value = "30000",
       .help = "time between two checks of which connected nodes are still valid",
       .min = 100,
       .max = kDayMs,
       .group = kTimes},
      {.name = "PLUGIN_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "10000",
       .help = "how long any question to a plugin may take",
       .min = 10,
       .max = kHourMs,
       .group = kTimes},
      {.name = "DRAIN_DURATION_MS",
       .type = Type::uint,
       .default_value = "5000",
       .help = "time over which nodes are disconnected when the broker stops; 0: all at once",
       .max = kHourMs,
       .group = kTimes},
      {.name = "MAX_CONNECTION_AGE_MS",
       .type = Type::uint,
       .default_value = "0",
       .help = "how long a node stays connected at most, or up to a tenth less; then it is "
               "disconnected as in a drain, and reconnects, perhaps to another broker; 0: no limit",
       .max = 365 * kDayMs,
       .group = kTimes},

      {.name = "MAX_CONNECTIONS",
       .type = Type::uint,
       .default_value = "0",
       .help = "nodes connected at once; 0: as many as the file limit allows",
       .max = 10'000'000,
       .group = kLimits},
      {.name = "MAX_CONNECTIONS_PER_ADDRESS",
       .type = Type::uint,
       .default_value = "0",
       .help = "connections of one client address at once, an IPv6 address counting as its /64; "
               "others are closed at once, behind a trusted proxy answered 503; 0: no limit",
       .max = 10'000'000,
       .group = kLimits},
      {.name = "CONNECTION_RATE_PER_ADDRESS",
       .type = Type::uint,
       .default_value = "0",
       .help = "connections that one client address may open per second, on average; those of ten "
               "seconds may come at once; others are closed at once, behind a trusted proxy "
               "answered 503; 0: no limit",
       .max = 1'000'000,
       .group = kLimits},
      {.name = "MAX_HANDSHAKES",
       .type = Type::uint,
       .default_value = "0",
       .help = "connections at once that have not sent a whole request; for one more the oldest is "
               "closed; 0: no limit but that of open files",
       .max = 10'000'000,
       .group = kLimits},
      {.name = "MAX_MEMORY_BYTES",
       .type = Type::uint,
       .default_value = "0",
       .help = "memory of the whole process: near it no new node is admitted, above it the "
               "connections that hold most are closed; 0: three quarters of the cgroup's limit, "
               "else half of the machine's",
       .max = 1024 * 1024 * kGiB,
       .group = kLimits},
      {.name = "MAX_PAYLOAD_BYTES",
       .type = Type::uint,
       .default_value = "1000000",
       .help = "size of one WebSocket message of a node",
       .min = 1000,
       .max = 64 * kMiB,
       .group = kLimits},
      {.name = "MAX_OUTBOX_BYTES",
       .type = Type::uint,
       .default_value = "4194304",
       .help = "what may be queued for a node that reads slowly; at least twice MAX_PAYLOAD_BYTES",
       .min = 2000,
       .max = kGiB,
       .group = kLimits},
      {.name = "MESSAGE_RATE_PER_NODE",
       .type = Type::uint,
       .default_value = "0",
       .help = "messages that a node may send per second, on average; those beyond are answered "
               "ERROR, and a node that does not slow down for 10 s is disconnected; 0: no limit",
       .max = 1'000'000,
       .group = kLimits},
      {.name = "MESSAGE_BURST_PER_NODE",
       .type = Type::uint,
       .default_value = "0",
       .help = "how many messages of a node may come at once, with MESSAGE_RATE_PER_NODE; 0: those "
               "of two seconds",
       .max = 1'000'000,
       .group = kLimits},
      {.name = "MAX_PRESENCE_IDS",
       .type = Type::uint,
       .default_value = "1000",
       .help = "ids in one ARE_NODES_CONNECTED_TO_BROKER; more are answered ERROR",
       .min = 1,
       .max = 1'000'000,
       .group = kLimits},
      {.name = "MAX_PRESENCE_IDS_PER_SECOND",
       .type = Type::uint,
       .default_value = "10000",
       .help = "ids that one node may have looked up on other brokers, on average; faster "
               "queries wait, and beyond 32 are answered ERROR; 0: no limit",
       .max = 1'000'000'000,
       .group = kLimits},
      {.name = "NODES_VALIDITY_CHECK_MAX_IDS",
       .type = Type::uint,
       .default_value = "1000",
       .help = "nodes in one request of the validity check; more nodes are checked by several "
               "requests, one after the other",
       .min = 1,
       .max = 1'000'000,
       .group = kLimits},
      {.name = "MAX_NODE_ID_BYTES",
       .type = Type::uint,
       .default_value = "256",
       .help = "length of a node's id",
       .min = 1,
       .max = 16'384,
       .group = kLimits},
  };
}

std::vector<Variable> table() {
  std::vector<Variable> all = own_table();
  for (Variable& each : admin_variables()) all.push_back(std::move(each));
  for (const kinds::Description& kind : kinds::kAll) {
    if (!kind.setting.name.empty()) all.push_back(setting_of(kind.setting));
  }
  all.push_back({.name = "PLUGINS_DIR",
                 .default_note = "beside the binary",
                 .help = "folder in which plugins are found by name",
                 .group = kPlugins});
  for (const kinds::Description& kind : kinds::kAll) all.push_back(plugin_of(kind));
  return all;
}

bool is_address(std::string_view value) {
  in6_addr scratch;
  const std::string text(value);
  return ::inet_pton(AF_INET, text.c_str(), &scratch) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

bool is_uint_between(std::string_view value, std::uint64_t min, std::uint64_t max) {
  std::uint64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  return error == std::errc{} && stop == end && number >= min && number <= max;
}

Type type_of(std::uint32_t declared) {
  switch (declared) {
    case CROLANG_URL:
      return Type::url;
    case CROLANG_UINT:
      return Type::uint;
    case CROLANG_BOOL:
      return Type::boolean;
    default:  // no enum: the plugin API's numbers
      return Type::string;
  }
}

std::string or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

}  // namespace

const std::vector<Variable>& variables() {
  static const std::vector<Variable> all = table();
  return all;
}

Variable from_plugin(const crolang_env& declared, std::string_view plugin_id) {
  return {.name = declared.name,
          .type = type_of(declared.type),
          .default_value = or_empty(declared.default_value),
          .help = or_empty(declared.help),
          .presence =
              (declared.flags & CROLANG_REQUIRED) != 0 ? Presence::required : Presence::optional,
          .secrecy = (declared.flags & CROLANG_SECRET) != 0 ? Secrecy::secret : Secrecy::shown,
          .group = std::string(plugin_id)};
}

std::vector<Variable> merged(std::span<const Variable> others) {
  std::vector<Variable> all = variables();
  for (const Variable& each : others) {
    const auto known = std::find_if(all.begin(), all.end(),
                                    [&](const Variable& other) { return other.name == each.name; });
    if (known == all.end()) {
      all.push_back(each);
      continue;
    }
    if (each.presence == Presence::required) known->presence = Presence::required;
    if (each.secrecy == Secrecy::secret) known->secrecy = Secrecy::secret;
  }
  return all;
}

std::string allowed(const Variable& variable) {
  switch (variable.type) {
    case Type::string:
      return "any text";
    case Type::url:
      return "a URL such as " +
             (variable.example.empty() ? "https://host:port/path" : variable.example);
    case Type::address:
      return "a numeric IPv4 or IPv6 address, such as 127.0.0.1 or ::1 (not a host name)";
    case Type::address_set:
      return "a list of addresses and ranges, such as 10.0.0.0/8,2001:db8::1";
    case Type::boolean:
      return "true or false";
    case Type::uint:
      if (variable.max == std::numeric_limits<std::uint64_t>::max())
        return "a whole number from " + std::to_string(variable.min);
      return "a whole number from " + std::to_string(variable.min) + " to " +
             std::to_string(variable.max);
    case Type::origins:
      return "a list of origins such as https://app.example.org,https://*.example.org";
    case Type::choice:
      break;
  }
  return text::alternatives(variable.choices);
}

bool accepts(const Variable& variable, std::string_view value) {
  switch (variable.type) {
    case Type::string:
      return true;
    case Type::url:
      return is_url(value);
    case Type::address:
      return is_address(value);
    case Type::address_set:
      return std::holds_alternative<client_address::AddressSet>(
          client_address::parse_address_set(value));
    case Type::uint:
      return is_uint_between(value, variable.min, variable.max);
    case Type::boolean:
      return value == "true" || value == "false";
    case Type::choice:
      return std::find(variable.choices.begin(), variable.choices.end(), value) !=
             variable.choices.end();
    case Type::origins:
      return origin::fault_in(value).empty();
  }
  return false;
}

std::string shown(const Variable& variable, std::string_view value) {
  // A key in the place of its file's name.
  const bool is_key = value.find("PRIVATE KEY-----") != std::string_view::npos;
  if (variable.secrecy == Secrecy::secret || is_key) return "***";
  return variable.type == Type::url ? masked_url(value) : std::string(value);
}

}  // namespace crolang::config
