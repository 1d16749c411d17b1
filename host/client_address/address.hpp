#pragma once
/// The address of a connection's peer or of its client, without a port.
/// Threads: a value; pure functions. Errors: parse_address returns nullopt.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::client_address {

struct Address {
  /// IPv6, or IPv4 as an IPv4-mapped address (RFC 4291 2.5.5.2), so that a client has the same
  /// address by either kind of listener. All zero: unknown.
  std::array<std::uint8_t, 16> bytes{};

  bool operator==(const Address&) const = default;
  auto operator<=>(const Address&) const = default;
};

inline bool is_known(const Address& address) noexcept {
  return address != Address{};
}

bool is_ipv4(const Address& address) noexcept;

/// `bytes`: in network order.
Address ipv4_address(const std::array<std::uint8_t, 4>& bytes) noexcept;

/// "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7": without a port, brackets or a zone.
std::optional<Address> parse_address(std::string_view text) noexcept;

/// "192.0.2.7", "2001:db8::1"; empty: unknown.
std::string text_of(const Address& address);

}  // namespace crolang::client_address
