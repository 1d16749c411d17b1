#include "redis-registry/refusal.hpp"

#include <array>

namespace crolang::redis_registry {
namespace {

struct Known {
  std::string_view beginning;  // of the server's error
  std::string_view sentence;
};

constexpr unsigned kFirstWithShardedChannels = 7;

constexpr std::string_view kUnknownCommand = "ERR unknown command";
constexpr std::string_view kNoRedis =
    "this server does not know the command: is it Redis, not Sentinel or a proxy?";

// Errors that a server answers to any command, or to the first command of a new connection.
constexpr std::array<Known, 5> kOfConnections{{
    {"ERR max number of clients",
     "Redis accepts no more connections (maxclients): raise the limit, or close other clients"},
    {"DENIED Redis is running in protected mode",
     "Redis is in protected mode and accepts local connections only: give it a password "
     "or an ACL user, or set protected-mode no in a private network"},
    {"CLUSTERDOWN",
     "CLUSTERDOWN: the cluster serves nothing while a slot has no master (redis-cli --cluster "
     "check "
     "names them)"},
    {"LOADING", "LOADING: Redis is still loading its data from disk"},
    {"NOAUTH",
     "NOAUTH: Redis requires a password, as in REDIS_URL=redis://user:password@host (or "
     ":password@); a Sentinel's is REDIS_SENTINEL_PASSWORD"},
}};

// Redis 6 and later sends the first, Redis 5 the second.
constexpr std::array<Known, 5> kOfAuth{{
    {"ERR AUTH <password> called without any password configured",
     "AUTH: no password is configured in Redis for the default user: remove it from REDIS_URL, or "
     "set requirepass there"},
    {"ERR Client sent AUTH, but no password is set",
     "AUTH: no password is configured in Redis: remove it from REDIS_URL, or set requirepass "
     "there"},
    {"ERR wrong number of arguments for 'auth' command",
     "AUTH: this Redis does not support users (before version 6): omit the user, "
     "REDIS_URL=redis://:password@host"},
    {"ERR unknown command", "AUTH: this server does not know the command: is it Redis?"},
    {"WRONGPASS",
     "AUTH: WRONGPASS: the user or the password in REDIS_URL is wrong, or the user is "
     "disabled (those for a Sentinel are REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD)"},
}};

template <std::size_t n>
std::string_view find(const std::array<Known, n>& known, std::string_view text) {
  for (const Known& each : known) {
    if (text.starts_with(each.beginning)) return each.sentence;
  }
  return {};
}

/// What the server says before it repeats the script.
std::string_view before_script(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  for (const std::string_view sign : {", with args", " 'LOAD'", "local ", "\n", "\r"}) {
    text = text.substr(0, text.find(sign));
  }
  return text.substr(0, kLongest);
}

}  // namespace

std::string describe_refusal(std::string_view command, std::string_view text) {
  if (const auto sentence = find(kOfConnections, text); !sentence.empty()) {
    return std::string(sentence);
  }
  const std::string prefix = std::string(command) + ": ";
  // This error repeats the arguments, so it is not shown.
  if (command != "AUTH" && text.starts_with(kUnknownCommand)) return prefix + std::string(kNoRedis);
  if (command == "SELECT" && text.starts_with("ERR"))
    return prefix + std::string(text) +
           ": the number at the end of REDIS_URL must be below Redis's setting databases";
  if (command == "SCRIPT") return prefix + std::string(before_script(text));
  if (command != "AUTH") return prefix + std::string(text);
  if (const auto sentence = find(kOfAuth, text); !sentence.empty()) return std::string(sentence);
  return prefix + std::string(text.substr(0, text.find(' ')));
}

std::string why_unusable(const Hello& hello, const Endpoint& endpoint, Place place) {
  const bool is_node = hello.mode == Hello::Mode::cluster;
  if (is_node) {
    if (hello.version > 0 && hello.version < kFirstWithShardedChannels) {
      return "this cluster's Redis has version " + std::to_string(hello.version) +
             ": sharded channels need 7 or later (or Valkey)";
    }
    if (endpoint.is_unix()) {
      return "this is a node of a cluster: name it by host and port in REDIS_URL";
    }
    if (endpoint.database != 0) {
      return "a cluster has no databases: remove /" + std::to_string(endpoint.database) +
             " from REDIS_URL";
    }
    // Any node knows the others.
    if (place == Place::of_url) return {};
  } else if (place == Place::in_cluster && hello.mode != Hello::Mode::unknown) {
    return "it is not in cluster mode, although the cluster names it as a node";
  }
  if (hello.role != Hello::Role::replica) return {};
  return is_node ? "this is a replica, although the cluster names it as a master"
                 : "this is a replica, to which nothing can be written: REDIS_URL must lead to the "
                   "primary";
}

// The first byte of an alert (RFC 8446 5.1).
bool is_tls_alert(std::string_view fault) {
  return fault.starts_with("Protocol error, got \"\\x15\"");
}

std::string describe_end(std::string_view fault) {
  if (const auto sentence = find(kOfConnections, fault); !sentence.empty())
    return std::string(sentence);
  if (fault.starts_with(kUnknownCommand)) return std::string(kNoRedis);
  std::string words(fault);
  if (fault.starts_with("Protocol error") && !is_tls_alert(fault))
    words += ": this is not Redis: is the port in REDIS_URL right?";
  return words;
}

}  // namespace crolang::redis_registry
