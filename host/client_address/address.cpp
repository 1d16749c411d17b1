#include "client_address/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>

namespace crolang::client_address {
namespace {

constexpr std::size_t kIpv4At = 12;
constexpr std::array<std::uint8_t, kIpv4At> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool is_ipv4(const Address& address) noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin());
}

Address ipv4_address(const std::array<std::uint8_t, 4>& bytes) noexcept {
  Address address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin() + kIpv4At);
  return address;
}

std::optional<Address> parse_address(std::string_view text) noexcept {
  // inet_pton needs a terminating zero, and would take a zero inside for it.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<std::uint8_t, 4> ipv4{};
  if (::inet_pton(AF_INET, terminated.data(), ipv4.data()) == 1) return ipv4_address(ipv4);
  Address address;
  if (::inet_pton(AF_INET6, terminated.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string text_of(const Address& address) {
  if (!is_known(address)) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* const shown =
      is_ipv4(address)
          ? ::inet_ntop(AF_INET, address.bytes.data() + kIpv4At, text.data(), text.size())
          : ::inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
  return shown == nullptr ? std::string() : shown;
}

}  // namespace crolang::client_address
