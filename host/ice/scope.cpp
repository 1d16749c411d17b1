#include "ice/scope.hpp"

namespace crolang::ice {

Scope scope_of(const client_address::Address& address) noexcept {
  const auto& bytes = address.bytes;
  if (!client_address::is_known(address)) return Scope::none;
  if (client_address::is_ipv4(address)) {
    const std::uint8_t a = bytes[12];
    const std::uint8_t b = bytes[13];
    if (a == 0) return Scope::none;
    if (a == 127) return Scope::machine;
    const bool is_private = a == 10 || (a == 172 && (b & 0xF0) == 16) || (a == 192 && b == 168) ||
                            (a == 100 && (b & 0xC0) == 64) || (a == 169 && b == 254);
    return is_private ? Scope::network : Scope::internet;
  }
  client_address::Address loopback;
  loopback.bytes[15] = 1;
  if (address == loopback) return Scope::machine;
  const bool is_local =
      (bytes[0] & 0xFE) == 0xFC || (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80);
  return is_local ? Scope::network : Scope::internet;
}

}  // namespace crolang::ice
