#pragma once
/// What a server says of itself: in its answer to HELLO, which needs no right
/// and which Sentinels give too, and in INFO. No IO. Threads: values. Errors:
/// what is not said is unknown or empty.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

struct redisReply;

namespace crolang::redis_registry {

struct Hello {
  enum class Mode { unknown, standalone, cluster, sentinel };
  enum class Role { unknown, master, replica };

  Mode mode = Mode::unknown;
  Role role = Role::unknown;
  unsigned version = 0;  ///< the first number of it; 0: not said
};

/// All of it is unknown in the answer of a server that does not know HELLO
/// without arguments (before Redis 6.2).
Hello read_hello(const redisReply& reply);

/// The error that such a server answers with.
bool does_not_know_hello(std::string_view error);

/// What INFO server says of such a server.
Hello read_server_info(std::string_view info);

/// A server's time as a primary: from its start, or from its promotion, to its end or demotion.
struct ServerRun {
  std::string id;  ///< empty: not said
  std::chrono::seconds uptime{0};
  std::optional<std::size_t> replicas;  ///< that are connected; nullopt: not said
};

/// The texts of INFO server and INFO replication; empty: not said.
ServerRun read_server_run(std::string_view server, std::string_view replication);

}  // namespace crolang::redis_registry
