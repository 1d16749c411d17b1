#include "redis-registry/refusal.hpp"

#include <array>

namespace crolang::redis_registry {
namespace {

struct Known {
  std::string_view beginning;  // of the server's error
  std::string_view sentence;
};

constexpr std::string_view kCluster =
    "this is a node of Redis Cluster, which is not spoken: REDIS_URL has to name a Redis by itself";

// What a server says to a new connection, whatever its first command was, or to any command.
constexpr std::array<Known, 7> kOfConnections{{
    {"ERR max number of clients",
     "Redis takes no more connections (maxclients): raise it there, or let others use fewer"},
    {"DENIED Redis is running in protected mode",
     "Redis is in protected mode and takes connections of its own machine only: give it a password "
     "or an ACL user, or set protected-mode no in a private network"},
    {"CLUSTERDOWN", kCluster},
    {"MOVED", kCluster},
    {"CROSSSLOT", kCluster},
    {"LOADING", "LOADING: Redis still reads its data from the disk"},
    {"NOAUTH",
     "NOAUTH: Redis wants a password, as in REDIS_URL=redis://user:password@host (or :password@)"},
}};

// Redis 6 and later says the first, Redis 5 the second.
constexpr std::array<Known, 5> kOfAuth{{
    {"ERR AUTH <password> called without any password configured",
     "AUTH: no password is configured in Redis for the default user: take it out of REDIS_URL, or "
     "set requirepass there"},
    {"ERR Client sent AUTH, but no password is set",
     "AUTH: no password is configured in Redis: take it out of REDIS_URL, or set requirepass "
     "there"},
    {"ERR wrong number of arguments for 'auth' command",
     "AUTH: this Redis knows no users (before version 6): leave the user out, "
     "REDIS_URL=redis://:password@host"},
    {"ERR unknown command", "AUTH: this server does not know the command: is it a Redis?"},
    {"WRONGPASS",
     "AUTH: WRONGPASS: the user or the password in REDIS_URL is wrong, or the user is "
     "disabled"},
}};

template <std::size_t n>
std::string_view find(const std::array<Known, n>& known, std::string_view text) {
  for (const Known& each : known) {
    if (text.starts_with(each.beginning)) return each.sentence;
  }
  return {};
}

}  // namespace

std::string describe_refusal(std::string_view command, std::string_view text) {
  if (const auto sentence = find(kOfConnections, text); !sentence.empty()) {
    return std::string(sentence);
  }
  const std::string prefix = std::string(command) + ": ";
  // It repeats the arguments.
  if (command != "AUTH" && text.starts_with("ERR unknown command"))
    return prefix +
           "this server does not know the command: is it a Redis, and no Sentinel or proxy?";
  if (command == "SELECT" && text.starts_with("ERR"))
    return prefix + std::string(text) +
           ": the number at the end of REDIS_URL has to be below Redis' option databases";
  if (command != "AUTH") return prefix + std::string(text);
  if (const auto sentence = find(kOfAuth, text); !sentence.empty()) return std::string(sentence);
  return prefix + std::string(text.substr(0, text.find(' ')));
}

std::string describe_end(std::string_view fault) {
  if (const auto sentence = find(kOfConnections, fault); !sentence.empty())
    return std::string(sentence);
  std::string words(fault);
  if (fault.starts_with("Protocol error"))
    words += ": this is no Redis, is the port in REDIS_URL right?";
  return words;
}

}  // namespace crolang::redis_registry
