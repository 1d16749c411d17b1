#pragma once
/// How a listener finds out who its clients are. Threads: a value that does not change.

#include <cstdint>

#include "client_address/address_set.hpp"

namespace crolang::client_address {

/// The header in which trusted proxies name the client.
enum class Header : std::uint8_t {
  x_forwarded_for,
  forwarded,  ///< RFC 7239
};

enum class ProxyProtocol : std::uint8_t {
  refused,
  required,  ///< from trusted proxies, and refused from anyone else
};

struct Policy {
  /// The peers whose statements about client addresses are trusted. Their own addresses are not
  /// limited.
  AddressSet trusted_proxies{};
  Header header = Header::x_forwarded_for;
  ProxyProtocol proxy_protocol = ProxyProtocol::refused;
};

}  // namespace crolang::client_address
