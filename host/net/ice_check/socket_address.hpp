#pragma once
/// Addresses as the system's calls have them. Pure. Threads: any. Errors: nullopt for another
/// family.

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

#include "stun/message.hpp"

namespace crolang::net {

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes); }
};

SocketAddress socket_address(const stun::TransportAddress& address) noexcept;

std::optional<stun::TransportAddress> transport_address(const sockaddr& address) noexcept;

}  // namespace crolang::net
