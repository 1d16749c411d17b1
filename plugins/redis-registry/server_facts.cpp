#include "redis-registry/server_facts.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "redis-registry/redis_reply.hpp"

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kLongestField = 100;

Hello::Mode mode_of(std::string_view text) {
  if (text == "standalone") return Hello::Mode::standalone;
  if (text == "cluster") return Hello::Mode::cluster;
  if (text == "sentinel") return Hello::Mode::sentinel;
  return Hello::Mode::unknown;
}

Hello::Role role_of(std::string_view text) {
  if (text == "master") return Hello::Role::master;
  if (text == "replica" || text == "slave") return Hello::Role::replica;
  return Hello::Role::unknown;
}

std::string_view field(std::string_view info, std::string_view name) {
  const std::size_t at = info.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = info.substr(at + name.size());
  return rest.substr(0, std::min(rest.find_first_of("\r\n"), kLongestField));
}

std::optional<std::uint32_t> number(std::string_view digits) {
  std::uint32_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

Hello read_hello(const redisReply& reply) {
  Hello hello;
  if (reply.type != REDIS_REPLY_ARRAY) return hello;
  for (std::size_t i = 0; i + 1 < reply.elements; i += 2) {
    const std::string_view name = text_of(*reply.element[i]);
    const std::string_view value = text_of(*reply.element[i + 1]);
    if (name == "mode") hello.mode = mode_of(value);
    if (name == "role") hello.role = role_of(value);
    if (name == "version") hello.version = number(value.substr(0, value.find('.'))).value_or(0);
  }
  return hello;
}

bool does_not_know_hello(std::string_view error) {
  // Redis 6.0 wants an argument.
  return error.starts_with("ERR unknown command") ||
         error.starts_with("ERR wrong number of arguments");
}

Hello read_server_info(std::string_view info) {
  Hello hello;
  hello.mode = mode_of(field(info, "redis_mode:"));
  const std::string_view version = field(info, "redis_version:");
  hello.version = number(version.substr(0, version.find('.'))).value_or(0);
  return hello;
}

ServerRun read_server_run(std::string_view server, std::string_view replication) {
  ServerRun run;
  run.id = field(server, "run_id:");
  run.uptime = std::chrono::seconds(number(field(server, "uptime_in_seconds:")).value_or(0));
  run.replicas = number(field(replication, "connected_slaves:"));
  // A promotion begins a new one, also of a server that was a primary before. The second id is that
  // of the primary that it has followed, or zeros.
  const std::string_view followed = field(replication, "master_replid2:");
  if (!run.id.empty() && followed.find_first_not_of('0') != std::string_view::npos) {
    run.id.append(1, '.').append(field(replication, "master_replid:"));
  }
  return run;
}

}  // namespace crolang::redis_registry
