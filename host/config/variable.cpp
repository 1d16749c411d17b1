#include "config/variable.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "config/url.hpp"
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
const char* const kLog = "Log and metrics";
const char* const kMessages = "Nodes and messages";
const char* const kTimes = "Times";
const char* const kLimits = "Limits";
const char* const kServices = "Services that the bundled plugins ask";
const char* const kPlugins = "Plugins, by name or path";

std::uint64_t default_workers() {
  return std::clamp(system::usable_cpus(), 1u, kMostWorkers);
}

Variable webhook(std::string name, std::string help, std::string without) {
  return {.name = std::move(name),
          .type = Type::url,
          .default_note = std::move(without),
          .help = std::move(help),
          .group = kServices,
          .example = "https://example.org/path"};
}

Variable plugin(std::string name, std::string help) {
  return {.name = std::move(name), .help = std::move(help), .group = kPlugins};
}

std::vector<Variable> table() {
  return {
      {.name = "PORT",
       .type = Type::uint,
       .default_value = "8080",
       .help = "TCP port to listen on",
       .min = 1,
       .max = 65535,
       .group = kListening},
      {.name = "BIND_ADDRESS",
       .type = Type::address,
       .default_note = ":: with IPv4, else 0.0.0.0",
       .help = "address to listen on, in digits",
       .group = kListening},
      {.name = "WORKERS",
       .type = Type::uint,
       .default_note = "the CPUs that it may use",
       .help =
           "threads that serve connections; by default as many as CPU affinity and the cgroup's "
           "CPU quota allow",
       .min = 1,
       .max = kMostWorkers,
       .group = kListening,
       .measured_default = default_workers},

      {.name = "LOG_LEVEL",
       .type = Type::uint,
       .default_value = "0",
       .help = "0 start, stop and faults; 1 connections; 2 relayed messages (event, from, to and "
               "size, never their content); 3 everything",
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

      {.name = "PING_INTERVAL_MS",
       .type = Type::uint,
       .default_value = "25000",
       .help = "between two heartbeats of a connection",
       .min = 100,
       .max = kHourMs,
       .group = kTimes},
      {.name = "PING_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "20000",
       .help = "how long a heartbeat may stay unanswered, and a full outbox unmoved",
       .min = 100,
       .max = kHourMs,
       .group = kTimes},
      {.name = "HANDSHAKE_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "10000",
       .help = "for the request's header, then for the node's CONNECT, and for a connection left "
               "idle without a node",
       .min = 100,
       .max = kHourMs,
       .group = kTimes},
      {.name = "DUPLICATE_ID_PROBE_TIMEOUT_MS",
       .type = Type::uint,
       .default_value = "1500",
       .help = "how long a connected node may stay silent when a newcomer claims its id, before it "
               "loses it; 0: refuse the newcomer without asking",
       .max = 60'000,
       .group = kTimes},
      {.name = "NODES_STATUS_CHECK_INTERVAL_MS",
       .type = Type::uint,
       .default_value = "30000",
       .help = "between two checks which connected nodes are still valid",
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
       .help = "over which nodes are sent away when the broker stops; 0: all at once",
       .max = kHourMs,
       .group = kTimes},

      {.name = "MAX_CONNECTIONS",
       .type = Type::uint,
       .default_value = "0",
       .help = "nodes at once; 0: as many as the file limit allows",
       .max = 10'000'000,
       .group = kLimits},
      {.name = "MAX_MEMORY_BYTES",
       .type = Type::uint,
       .default_value = "0",
       .help = "memory of the whole process: near it nobody new is let in, beyond it whoever holds "
               "most is ended; 0: three quarters of the cgroup's limit, else half of the machine's",
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
       .help = "what may wait for a node that reads slowly; at least twice MAX_PAYLOAD_BYTES",
       .min = 2000,
       .max = kGiB,
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
       .help = "ids that one node may have looked up on other brokers, on the average; faster "
               "questions wait, and beyond 32 are answered ERROR; 0: no limit",
       .max = 1'000'000'000,
       .group = kLimits},
      {.name = "NODES_VALIDITY_CHECK_MAX_IDS",
       .type = Type::uint,
       .default_value = "1000",
       .help = "nodes in one question which are still valid; with more there are several, one "
               "after the other",
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

      {.name = "REDIS_URL",
       .type = Type::url,
       .default_note = "one broker on its own",
       .help = "Redis that lets several brokers act as one, redis://user:password@host:port/db or "
               "unix:///path?db=n",
       .secrecy = Secrecy::secret,
       .group = kServices,
       .example = "redis://localhost:6379"},
      webhook("NODES_AUTHENTICATION_WEBHOOK_URL", "asked whether a node may connect",
              "every node may"),
      webhook("RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL", "asked for a node's RTC configuration",
              "Google's STUN servers"),
      webhook("AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL",
              "asked whether a node may send to another", "every node may"),
      webhook("NODES_VALIDITY_CHECK_WEBHOOK_URL", "asked which connected nodes are still valid",
              "all are"),
      webhook("ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL", "told of each SOCKET_MSG_EXCHANGE",
              "nobody is"),

      {.name = "PLUGINS_DIR",
       .default_note = "beside the binary",
       .help = "folder in which plugins are found by name",
       .group = kPlugins},
      plugin("NODES_REGISTRY_PLUGIN",
             "keeps which node is connected to which broker, instead of Redis"),
      plugin("RTC_CONFIGURATION_RESOLVER_PLUGIN",
             "gives each node its RTC configuration, instead of the webhook"),
      plugin("NODES_AUTHENTICATION_PLUGIN",
             "says whether a node may connect, instead of the webhook"),
      plugin("AUTHORIZE_NODES_COMMUNICATION_PLUGIN",
             "says whether a node may send to another, instead of the webhook"),
      plugin("NODES_VALIDITY_CHECK_PLUGIN",
             "says which connected nodes are still valid, instead of the webhook"),
      plugin("ON_AUTHENTICATED_SOCKET_MSG_PLUGIN",
             "is told of each SOCKET_MSG_EXCHANGE, instead of the webhook"),
  };
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
    default:
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
      return "an IPv4 or IPv6 address in digits, such as 127.0.0.1 or ::1 (a host name is not)";
    case Type::boolean:
      return "true or false";
    case Type::uint:
      if (variable.max == std::numeric_limits<std::uint64_t>::max())
        return "a whole number from " + std::to_string(variable.min);
      return "a whole number from " + std::to_string(variable.min) + " to " +
             std::to_string(variable.max);
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
    case Type::uint:
      return is_uint_between(value, variable.min, variable.max);
    case Type::boolean:
      return value == "true" || value == "false";
    case Type::choice:
      return std::find(variable.choices.begin(), variable.choices.end(), value) !=
             variable.choices.end();
  }
  return false;
}

std::string shown(const Variable& variable, std::string_view value) {
  if (variable.secrecy == Secrecy::secret) return "***";
  return variable.type == Type::url ? masked_url(value) : std::string(value);
}

}  // namespace crolang::config
