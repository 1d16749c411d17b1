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
  std::vector<stun::TransportAddress> addresses;  ///< IPv4 first; at most 16 of each kind
  std::size_t left_out = 0;                       ///< beyond that
  std::string fault;                              ///< not empty: there are no addresses
};

/// Blocks at most until then or until the descriptor `stop` is readable (-1: there is none), not at
/// all if the host is an address. The addresses have no port.
Resolved resolve(const std::string& host, std::chrono::steady_clock::time_point until, int stop);

}  // namespace crolang::net
