#pragma once
/// The address at the other end of a socket, which may be a proxy's. Threads: a pure function.

#include "client_address/address.hpp"

struct sockaddr_storage;

namespace crolang::net {

using PeerAddress = client_address::Address;

/// The address returned by accept4. An address family that is neither IPv6 nor IPv4 is unknown.
PeerAddress peer_address(const sockaddr_storage& address) noexcept;

}  // namespace crolang::net
