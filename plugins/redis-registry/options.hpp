#pragma once
/// The options of this plugin, from environment variables. Errors: the functions throw
/// std::invalid_argument with a sentence that names the variable and contains no password.

#include <chrono>
#include <crolang/plugin.hpp>
#include <string>
#include <string_view>

#include "redis-registry/endpoint.hpp"
#include "redis-registry/tls_transport.hpp"

namespace crolang::redis_registry {

struct Options {
  Endpoint endpoint;
  Login sentinel;  ///< for Sentinels
  TlsContext tls;  ///< null: the endpoint is without TLS
  std::string key_prefix;
  std::chrono::milliseconds lock_ttl{60'000};
  unsigned wait_replicas = 0;  ///< that must have received a claim before it is granted
};

/// What is wrong with the prefix if REDIS_URL leads to a cluster; empty: nothing.
std::string describe_prefix_in_cluster(std::string_view key_prefix);

Options parse_options(std::string_view url, std::string_view key_prefix,
                      std::string_view lock_ttl_ms);

/// Also reads the files that the variables name.
Options read_options(const plugin::Variables& variables);

/// Reports the fault of each value, independently of the others.
void check_options(const plugin::Variables& variables, const plugin::Findings& findings);

}  // namespace crolang::redis_registry
