#include "net/ice_check/socket_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace crolang::net {

SocketAddress socket_address(const stun::TransportAddress& address) noexcept {
  SocketAddress result;
  const auto& bytes = address.address.bytes;
  if (client_address::is_ipv4(address.address)) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    std::memcpy(&ipv4.sin_addr, bytes.data() + 12, 4);
    std::memcpy(&result.bytes, &ipv4, sizeof ipv4);
    result.size = sizeof ipv4;
    return result;
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(address.port);
  std::memcpy(&ipv6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&result.bytes, &ipv6, sizeof ipv6);
  result.size = sizeof ipv6;
  return result;
}

std::optional<stun::TransportAddress> transport_address(const sockaddr& address) noexcept {
  stun::TransportAddress result;
  if (address.sa_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof ipv4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &ipv4.sin_addr, bytes.size());
    result.address = client_address::ipv4_address(bytes);
    result.port = ntohs(ipv4.sin_port);
    return result;
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &address, sizeof ipv6);
    std::memcpy(result.address.bytes.data(), &ipv6.sin6_addr, result.address.bytes.size());
    result.port = ntohs(ipv6.sin6_port);
    return result;
  }
  return std::nullopt;
}

}  // namespace crolang::net
