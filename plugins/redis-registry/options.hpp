#pragma once
/// Where Redis is and how it is used, as the environment says. Errors: parse functions throw
/// std::invalid_argument with a sentence that names the variable and shows no password.

#include <chrono>
#include <crolang/plugin.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace crolang::redis_registry {

struct Endpoint {
  std::string host;  ///< empty: a unix socket
  std::uint16_t port = 6379;
  std::string path;  ///< of the unix socket
  std::string user;  ///< empty: the default user
  std::string password;
  unsigned database = 0;

  /// For the log: no user, no password.
  std::string name() const;

  /// Everything but user and password.
  bool is_same_place(const Endpoint& other) const;
};

/// redis://[[user][:password]@][host][:port][/database], or
/// unix://[[user][:password]@]/path[?db=database]. User and password may be percent-encoded.
Endpoint parse_url(std::string_view url);

struct Options {
  Endpoint endpoint;
  std::string key_prefix;
  std::chrono::milliseconds lock_ttl{60'000};
};

Options parse_options(std::string_view url, std::string_view key_prefix,
                      std::string_view lock_ttl_ms);

/// Judges each for itself.
void check_options(std::string_view url, std::string_view key_prefix, std::string_view lock_ttl_ms,
                   const plugin::Findings& findings);

}  // namespace crolang::redis_registry
