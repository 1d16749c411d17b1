#pragma once
/// The addresses of a server's host, as the system finds them (getaddrinfo: /etc/hosts, DNS).
///
/// A lookup runs on a thread of its own, which continues if it has not ended in time, since
/// getaddrinfo cannot be interrupted. Threads: any. Errors: the system's text.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "stun/message.hpp"

namespace crolang::net {

struct Resolved {
  std::vector<stun::TransportAddress> addresses;  ///< IPv4 first; at most two of each kind
  std::size_t left_out = 0;                       ///< beyond that
  std::string fault;                              ///< not empty: there are no addresses
};

/// Blocks for at most `timeout`, not at all if the host is an address.
Resolved resolve(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout);

}  // namespace crolang::net
