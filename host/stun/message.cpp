#include "stun/message.hpp"

#include <algorithm>

namespace crolang::stun {
namespace {

constexpr std::size_t kAttributeHeader = 4;
constexpr std::size_t kMaxAttributes = 64;
constexpr std::uint8_t kIpv4 = 1;
constexpr std::uint8_t kIpv6 = 2;

std::uint16_t u16(ByteView bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t u32(ByteView bytes, std::size_t at) noexcept {
  return std::uint32_t{u16(bytes, at)} << 16 | u16(bytes, at + 2);
}

std::string_view text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

enum class Coding : std::uint8_t { plain, with_xor };

Coding coding_of(Type type) noexcept {
  return type == Type::mapped_address || type == Type::alternate_server ? Coding::plain
                                                                        : Coding::with_xor;
}

/// RFC 8489 14.1, 14.2: what XOR is done with are the cookie and the transaction id, which follow
/// each other in the header.
template <std::size_t size>
std::array<std::uint8_t, size> address_bytes(ByteView value, ByteView message, Coding coding) {
  std::array<std::uint8_t, size> bytes{};
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] =
        static_cast<std::uint8_t>(value[4 + i] ^ (coding == Coding::with_xor ? message[4 + i] : 0));
  }
  return bytes;
}

bool may_follow_integrity(Type type) noexcept {
  return type == Type::fingerprint || type == Type::message_integrity_sha256;
}

}  // namespace

bool is_usable(const TransportAddress& address) noexcept {
  constexpr std::uint8_t kThisNetwork = 0;
  return address.port != 0 && client_address::is_known(address.address) &&
         !(client_address::is_ipv4(address.address) && address.address.bytes[12] == kThisNetwork);
}

std::string text_of(const TransportAddress& address) {
  std::string text = client_address::text_of(address.address);
  if (!client_address::is_ipv4(address.address)) text = "[" + text + "]";
  return text + ":" + std::to_string(address.port);
}

const Attribute* Message::find(Type type) const noexcept {
  const auto found = std::ranges::find(attributes, type, &Attribute::type);
  return found == attributes.end() ? nullptr : &*found;
}

std::string_view Message::text(Type type) const noexcept {
  const Attribute* const found = find(type);
  return found == nullptr ? std::string_view() : stun::text(found->value);
}

std::optional<TransportAddress> Message::address(Type type) const noexcept {
  const Attribute* const found = find(type);
  if (found == nullptr || found->value.size() < 4) return std::nullopt;
  const ByteView value = found->value;
  const Coding coding = coding_of(type);
  TransportAddress result;
  result.port = u16(value, 2);
  if (coding == Coding::with_xor) result.port ^= static_cast<std::uint16_t>(kMagicCookie >> 16);
  if (value[1] == kIpv4 && value.size() == 8) {
    result.address = client_address::ipv4_address(address_bytes<4>(value, bytes, coding));
    return result;
  }
  if (value[1] == kIpv6 && value.size() == 20) {
    result.address.bytes = address_bytes<16>(value, bytes, coding);
    return result;
  }
  return std::nullopt;
}

std::optional<TransportAddress> Message::mapped_address() const noexcept {
  const auto found = address(Type::xor_mapped_address);
  return found ? found : address(Type::mapped_address);
}

std::optional<ErrorCode> Message::error_code() const noexcept {
  const Attribute* const found = find(Type::error_code);
  if (found == nullptr || found->value.size() < 4) return std::nullopt;
  const int hundreds = found->value[2] & 7;
  const int number = found->value[3];
  if (hundreds < 3 || hundreds > 6 || number > 99) return std::nullopt;
  return ErrorCode{hundreds * 100 + number, stun::text(found->value.subspan(4))};
}

std::optional<Message> parse(ByteView bytes) {
  if (bytes.size() < kHeaderSize || (bytes[0] & 0xC0) != 0 || u32(bytes, 4) != kMagicCookie ||
      bytes.size() != kHeaderSize + u16(bytes, 2) || bytes.size() % 4 != 0) {
    return std::nullopt;
  }
  const std::uint16_t type = u16(bytes, 0);
  Message message;
  // The bits of the class lie between those of the method (5).
  message.message_class = static_cast<Class>((type >> 4 & 1) | (type >> 7 & 2));
  message.method = static_cast<Method>((type & 0xF) | (type >> 1 & 0x70) | (type >> 2 & 0xF80));
  std::ranges::copy(bytes.subspan(8, message.transaction.size()), message.transaction.begin());
  message.bytes = bytes;
  bool has_integrity = false;
  for (std::size_t at = kHeaderSize; at < bytes.size();) {
    // The size is a multiple of 4, so there is a header.
    const auto attribute_type = static_cast<Type>(u16(bytes, at));
    const std::size_t size = u16(bytes, at + 2);
    const std::size_t padded = (size + 3) & ~std::size_t{3};
    if (padded > bytes.size() - at - kAttributeHeader) return std::nullopt;
    if (!has_integrity || may_follow_integrity(attribute_type)) {
      if (message.attributes.size() == kMaxAttributes) return std::nullopt;
      message.attributes.push_back(
          {attribute_type, bytes.subspan(at + kAttributeHeader, size), at});
    }
    has_integrity = has_integrity || attribute_type == Type::message_integrity;
    at += kAttributeHeader + padded;
  }
  return message;
}

}  // namespace crolang::stun
