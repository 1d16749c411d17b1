#include "client_address/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace crolang::client_address {
namespace {

using Parsed = std::variant<NeedsMore, ProxyHeader, ProxyHeaderFault>;

constexpr std::string_view kName = "PROXY";
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// Whether one of them begins with the other.
bool may_become(std::string_view bytes, std::string_view beginning) {
  const std::size_t common = std::min(bytes.size(), beginning.size());
  return bytes.substr(0, common) == beginning.substr(0, common);
}

std::uint8_t byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

/// "::" stands for no address.
std::optional<Address> known(const Address& address) {
  return is_known(address) ? std::optional(address) : std::nullopt;
}

// ---- version 1

/// Removes the field up to the next blank. nullopt: there is no blank.
std::optional<std::string_view> take_field(std::string_view& line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const std::string_view field = line.substr(0, blank);
  line.remove_prefix(blank + 1);
  return field;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end && (text.size() == 1 || !text.starts_with('0'));
}

enum class Version : std::uint8_t { ipv4, ipv6 };

std::optional<Address> parse_address(std::optional<std::string_view> text, Version version) {
  if (!text) return std::nullopt;
  const bool has_colon = text->find(':') != std::string_view::npos;
  return has_colon == (version == Version::ipv6) ? client_address::parse_address(*text)
                                                 : std::nullopt;
}

/// What follows "PROXY TCP4 " or "PROXY TCP6 ", without the CR LF.
Parsed parse_endpoints(std::string_view line, Version version, std::size_t size) {
  const auto source = parse_address(take_field(line), version);
  const auto destination = parse_address(take_field(line), version);
  const auto source_port = take_field(line);
  if (!source || !destination || !source_port || !is_port(*source_port) || !is_port(line)) {
    return ProxyHeaderFault::malformed;
  }
  return ProxyHeader{size, known(*source)};
}

Parsed parse_line(std::string_view bytes) {
  const std::string_view beginning = bytes.substr(0, kMaxProxyLine);
  const std::size_t end = beginning.find('\r');
  if (end == std::string_view::npos || end + 1 == beginning.size()) {
    if (beginning.size() == kMaxProxyLine) return ProxyHeaderFault::too_long;
    if (beginning.find('\n') != std::string_view::npos) return ProxyHeaderFault::malformed;
    return NeedsMore{};
  }
  if (beginning[end + 1] != '\n') return ProxyHeaderFault::malformed;
  std::string_view line = beginning.substr(0, end);
  if (line.find('\n') != std::string_view::npos) return ProxyHeaderFault::malformed;
  constexpr std::string_view kUnknown = "PROXY UNKNOWN";
  constexpr std::string_view kTcp4 = "PROXY TCP4 ";
  constexpr std::string_view kTcp6 = "PROXY TCP6 ";
  const std::size_t size = end + 2;
  // What follows it is to be ignored.
  if (line == kUnknown || (line.starts_with(kUnknown) && line[kUnknown.size()] == ' ')) {
    return ProxyHeader{size};
  }
  if (line.starts_with(kTcp4)) {
    return parse_endpoints(line.substr(kTcp4.size()), Version::ipv4, size);
  }
  if (line.starts_with(kTcp6)) {
    return parse_endpoints(line.substr(kTcp6.size()), Version::ipv6, size);
  }
  return ProxyHeaderFault::malformed;
}

// ---- version 2

constexpr std::size_t kFixed = 16;  // before the addresses
constexpr std::size_t kVersionAndCommand = 12;
constexpr std::size_t kFamilyAndProtocol = 13;
constexpr std::size_t kLength = 14;

template <std::size_t size>
std::array<std::uint8_t, size> address_bytes(std::string_view bytes) {
  std::array<std::uint8_t, size> copied{};
  std::transform(bytes.begin(), bytes.begin() + size, copied.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return copied;
}

/// `bytes`: the whole header. Additional data behind the addresses is ignored.
Parsed parse_addresses(std::string_view bytes) {
  enum Family : std::uint8_t { unspecified, inet, inet6, unix_socket, kFamilies };
  enum Protocol : std::uint8_t { unspecified_protocol, stream, datagram, kProtocols };
  // Source and destination, with ports.
  constexpr std::array<std::size_t, kFamilies> kSizes = {0, 12, 36, 216};
  const auto family = static_cast<std::uint8_t>(byte_at(bytes, kFamilyAndProtocol) >> 4);
  const auto protocol = static_cast<std::uint8_t>(byte_at(bytes, kFamilyAndProtocol) & 0x0f);
  if (family >= kFamilies || protocol >= kProtocols) return ProxyHeaderFault::unsupported;
  const std::string_view addresses = bytes.substr(kFixed);
  if (addresses.size() < kSizes[family]) return ProxyHeaderFault::malformed;
  if (protocol == stream && family == inet) {
    return ProxyHeader{bytes.size(), known(ipv4_address(address_bytes<4>(addresses)))};
  }
  if (protocol == stream && family == inet6) {
    return ProxyHeader{bytes.size(), known(Address{address_bytes<16>(addresses)})};
  }
  return ProxyHeader{bytes.size()};
}

Parsed parse_binary(std::string_view bytes) {
  constexpr std::uint8_t kLocal = 0x20;
  constexpr std::uint8_t kProxy = 0x21;
  if (bytes.size() <= kVersionAndCommand) return NeedsMore{};
  const std::uint8_t command = byte_at(bytes, kVersionAndCommand);
  if (command != kLocal && command != kProxy) return ProxyHeaderFault::unsupported;
  if (bytes.size() < kFixed) return NeedsMore{};
  const std::size_t length =
      std::size_t{byte_at(bytes, kLength)} << 8 | byte_at(bytes, kLength + 1);
  const std::size_t size = kFixed + length;
  if (size > kMaxProxyHeader) return ProxyHeaderFault::too_long;
  if (bytes.size() < size) return NeedsMore{};
  // Section 2.2: the family and the addresses of LOCAL are to be ignored.
  if (command == kLocal) return ProxyHeader{size};
  return parse_addresses(bytes.substr(0, size));
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes) {
  if (may_become(bytes, kSignature)) return parse_binary(bytes);
  if (!may_become(bytes, kName)) return ProxyHeaderFault::absent;
  return parse_line(bytes);
}

}  // namespace crolang::client_address
