#include "client_address/address_set.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

namespace crolang::client_address {
namespace {

constexpr std::uint8_t kBits = 128;
constexpr std::uint8_t kIpv4Bits = 32;
constexpr std::uint8_t kMappedBits = kBits - kIpv4Bits;

/// The bits of the byte at `index` that belong to a prefix of `bits` bits.
std::uint8_t mask_at(std::size_t index, std::uint8_t bits) noexcept {
  const std::size_t before = index * 8;
  if (bits >= before + 8) return 0xff;
  if (bits <= before) return 0;
  return static_cast<std::uint8_t>(0xff00 >> (bits - before));
}

Address masked(Address address, std::uint8_t bits) noexcept {
  for (std::size_t i = 0; i < address.bytes.size(); ++i) address.bytes[i] &= mask_at(i, bits);
  return address;
}

std::optional<std::uint8_t> parse_bits(std::string_view text) noexcept {
  std::uint8_t bits = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, bits);
  if (error != std::errc{} || stop != end || bits > kBits) return std::nullopt;
  return bits;
}

AddressFault no_range(std::string_view text) {
  return {'"' + std::string(text) +
          "\" is neither an address nor a range of addresses: write 192.0.2.7, 10.0.0.0/8 or "
          "2001:db8::/32"};
}

}  // namespace

bool Range::contains(const Address& address) const noexcept {
  if (bits < kMappedBits && is_ipv4(address)) return false;
  return masked(address, bits) == network;
}

bool AddressSet::contains(const Address& address) const noexcept {
  return is_known(address) &&
         std::ranges::any_of(ranges_, [&](const Range& each) { return each.contains(address); });
}

std::variant<Range, AddressFault> parse_range(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view address_text = text.substr(0, slash);
  const auto address = parse_address(address_text);
  if (!address) return no_range(text);
  if (slash == text.size()) return Range{*address, kBits};
  const auto bits = parse_bits(text.substr(slash + 1));
  if (!bits) return no_range(text);
  // ::ffff:10.0.0.0 is an IPv4 address, but was written as an IPv6 one.
  const bool counts_32 = address_text.find(':') == std::string_view::npos;
  if (counts_32 && *bits > kIpv4Bits) {
    return AddressFault{'"' + std::string(text) +
                        "\": the prefix of an IPv4 range has 0 to 32 bits"};
  }
  const auto all_bits = static_cast<std::uint8_t>(counts_32 ? *bits + kMappedBits : *bits);
  const Range range{masked(*address, all_bits), all_bits};
  if (range.network != *address) {
    return AddressFault{'"' + std::string(text) + "\" has bits behind its prefix: write " +
                        text_of(range) + ", or " + std::string(address_text) +
                        " for this one address"};
  }
  return range;
}

std::variant<AddressSet, AddressFault> parse_address_set(std::string_view text) {
  constexpr std::string_view kBetween = ", \t";
  std::vector<Range> ranges;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty()) return AddressSet(std::move(ranges));
    const std::size_t end = std::min(text.find_first_of(kBetween), text.size());
    auto parsed = parse_range(text.substr(0, end));
    if (auto* const fault = std::get_if<AddressFault>(&parsed)) return std::move(*fault);
    ranges.push_back(std::get<Range>(parsed));
    text.remove_prefix(end);
  }
}

std::string text_of(const Range& range) {
  // Both the unspecified address and ::/0 have no bit set.
  std::string text = is_known(range.network) ? text_of(range.network) : "::";
  if (range.bits == kBits) return text;
  // A mapped prefix that is shorter than the mapping is an IPv6 range.
  const bool counts_32 = is_ipv4(range.network) && range.bits >= kMappedBits;
  return text += '/' + std::to_string(counts_32 ? range.bits - kMappedBits : range.bits);
}

}  // namespace crolang::client_address
