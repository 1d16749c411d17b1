#pragma once
/// REDIS_URL: where Redis is, and who this broker is there. Threads: values.
/// Errors: parse_url throws std::invalid_argument with a sentence that names
/// the variable and contains no password.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::redis_registry {

struct HostPort {
  std::string host;  ///< a name or an address, without brackets
  std::uint16_t port = 6379;

  /// As in a URL: host:6379, [::1]:6379.
  std::string name() const;
  bool operator==(const HostPort&) const = default;
};

struct Login {
  std::string user;      ///< empty: the default user
  std::string password;  ///< empty: no login
  /// The command that logs in. Views of this object.
  std::vector<std::string_view> command() const;
  bool operator==(const Login&) const = default;
};

struct Endpoint {
  static constexpr std::size_t kMaxHosts = 32;

  std::vector<HostPort> hosts;  ///< tried in turn; empty: a unix socket
  std::string path;             ///< of the unix socket
  Login login;
  unsigned database = 0;
  bool tls = false;
  std::string master;  ///< the name by which Sentinels know the primary; empty:
                       ///< not given

  bool is_unix() const { return hosts.empty(); }
  /// For the log: without user and password.
  std::string name() const;

  /// Compares everything but user and password.
  bool is_same_place(const Endpoint& other) const;
};

/// redis[s]://[[user][:password]@][host][:port][,host[:port]…][/database][?master=name],
/// or unix://[[user][:password]@]/path[?db=database]. User, password and name
/// may be percent-encoded.
Endpoint parse_url(std::string_view url);

}  // namespace crolang::redis_registry
