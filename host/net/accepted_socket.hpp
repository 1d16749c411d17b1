#pragma once
/// A socket that was accepted, on its way to the worker that will own its connection. Threads: a
/// value that moves between threads.

#include <cstdint>

#include "client_address/policy.hpp"
#include "net/address_limits.hpp"
#include "net/descriptor.hpp"
#include "net/listener_policy.hpp"
#include "net/peer_address.hpp"

namespace crolang::net {

struct AcceptedSocket {
  /// What its peer must send first.
  enum class BeginsWith : std::uint8_t { request, proxy_header };

  Descriptor socket;
  PeerAddress peer{};
  BeginsWith begins_with = BeginsWith::request;
  ListenerIndex listener = ListenerIndex::nodes;
  /// Whether its peer's address was limited; if not, its client's is, once a request has named it.
  bool is_limited = false;
  CountedConnection counted{};  ///< as a connection of its peer
};

/// What this peer of a listener with this policy must send first.
inline AcceptedSocket::BeginsWith begins_with(const client_address::Policy& clients,
                                              const PeerAddress& peer) noexcept {
  const bool has_proxy_header = clients.proxy_protocol == client_address::ProxyProtocol::required &&
                                clients.trusted_proxies.contains(peer);
  return has_proxy_header ? AcceptedSocket::BeginsWith::proxy_header
                          : AcceptedSocket::BeginsWith::request;
}

}  // namespace crolang::net
