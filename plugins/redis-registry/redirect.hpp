#pragma once
/// Errors by which a node of a cluster sends a client on. Nothing was executed then. Source: Redis
/// Cluster Specification. Threads: any. Errors: none.

#include <hiredis.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "redis-registry/endpoint.hpp"

namespace crolang::redis_registry {

struct Redirect {
  enum class Kind : std::uint8_t {
    moved,  ///< another master serves the slot
    ask,    ///< the slot is being moved to `to`, and the key is there, or nowhere
    later   ///< the keys are being moved
  };

  Kind kind;
  HostPort to;  ///< of `ask`; an empty host: that of the node that says it
};

/// nullopt: it is none.
std::optional<Redirect> read_redirect(std::string_view error);

/// nullptr: the connection was lost.
std::optional<Redirect> read_redirect(const redisReply* reply);

/// The cluster, or a part of it, serves nobody for the moment.
bool is_cluster_down(std::string_view error);

}  // namespace crolang::redis_registry
