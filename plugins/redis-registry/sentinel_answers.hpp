#pragma once
/// Answers of a Sentinel. No IO. Threads: values. Errors: as each function
/// says; what a Sentinel says is bounded.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "redis-registry/endpoint.hpp"

struct redisReply;

namespace crolang::redis_registry {

/// Why there is no answer: a sentence that begins with what the Sentinel does.
struct SentinelFault {
  std::string text;
};

/// SENTINEL MASTERS: the name of the only master that it knows. Several are a
/// fault that names them.
std::variant<std::string, SentinelFault> read_only_master(const redisReply& reply);

/// SENTINEL GET-MASTER-ADDR-BY-NAME `name`.
std::variant<HostPort, SentinelFault> read_master_address(const redisReply& reply,
                                                          std::string_view name);

/// SENTINEL SENTINELS: the other ones, as far as they can be understood.
std::vector<HostPort> read_sentinels(const redisReply& reply);

/// The error with which a server has refused the command `SENTINEL …`.
std::string describe_sentinel_refusal(std::string_view error);

}  // namespace crolang::redis_registry
