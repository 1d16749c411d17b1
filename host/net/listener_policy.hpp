#pragma once
/// What the connections of one listening socket have in common. Threads: a value that does not
/// change; what it points to outlives the workers.

#include <cstdint>

#include "client_address/policy.hpp"
#include "net/http/policy.hpp"
#include "tls/current_context.hpp"

namespace crolang::net {

enum class ListenerIndex : std::uint8_t {
  nodes,  ///< PORT
  plain,  ///< PLAIN_PORT
};

struct ListenerPolicy {
  const HttpPolicy& http;
  const client_address::Policy& clients;
  const tls::CurrentContext* tls = nullptr;  ///< nullptr: plain
};

/// By ListenerIndex.
struct ListenerPolicies {
  ListenerPolicy nodes;
  ListenerPolicy plain;

  const ListenerPolicy& of(ListenerIndex index) const noexcept {
    return index == ListenerIndex::nodes ? nodes : plain;
  }
};

}  // namespace crolang::net
