#pragma once
/// Access to hiredis replies. Threads: any.

#include <hiredis.h>

#include <string_view>

namespace crolang::redis_registry {

inline bool is_error(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR;
}

/// A view of a string or an error; empty for other types.
inline std::string_view text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

inline constexpr std::string_view kConnectionLost =
    "the connection to Redis was lost before it answered";

/// nullptr: the connection was lost.
inline bool has_failed(const redisReply* reply) {
  return reply == nullptr || is_error(*reply);
}

/// Why a command has failed.
inline std::string_view failure_of(const redisReply* reply) {
  return reply == nullptr ? kConnectionLost : text_of(*reply);
}

}  // namespace crolang::redis_registry
