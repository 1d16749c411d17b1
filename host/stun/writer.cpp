#include "stun/writer.hpp"

#include <array>

#include "stun/integrity.hpp"

namespace crolang::stun {
namespace {

constexpr std::size_t kAttributeHeader = 4;

void push_u16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

void push_u32(Bytes& bytes, std::uint32_t value) {
  push_u16(bytes, value >> 16);
  push_u16(bytes, value & 0xFFFF);
}

}  // namespace

Writer::Writer(Class message_class, Method method, const TransactionId& transaction) {
  const auto number = static_cast<unsigned>(method);
  const auto bits = static_cast<unsigned>(message_class);
  // The bits of the class lie between those of the method (5).
  push_u16(bytes_, (number & 0xF) | (bits & 1) << 4 | (number & 0x70) << 1 | (bits & 2) << 7 |
                       (number & 0xF80) << 2);
  push_u16(bytes_, 0);
  push_u32(bytes_, kMagicCookie);
  bytes_.insert(bytes_.end(), transaction.begin(), transaction.end());
}

Writer& Writer::add(Type type, ByteView value) {
  push_u16(bytes_, static_cast<std::size_t>(type));
  push_u16(bytes_, value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  while (bytes_.size() % 4 != 0) bytes_.push_back(0);
  set_size(0);
  return *this;
}

Writer& Writer::add(Type type, std::string_view text) {
  return add(type, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Writer& Writer::add_u32(Type type, std::uint32_t value) {
  Bytes bytes;
  push_u32(bytes, value);
  return add(type, bytes);
}

Writer& Writer::add_address(Type type, const TransportAddress& address) {
  const bool is_ipv4 = client_address::is_ipv4(address.address);
  Bytes value{0, static_cast<std::uint8_t>(is_ipv4 ? 1 : 2)};
  push_u16(value, address.port ^ kMagicCookie >> 16);
  // The last four bytes of an IPv4-mapped address are the IPv4 address.
  for (std::size_t from = is_ipv4 ? 12 : 0, i = from; i < 16; ++i) {
    value.push_back(static_cast<std::uint8_t>(address.address.bytes[i] ^ bytes_[4 + i - from]));
  }
  return add(type, value);
}

Writer& Writer::add_integrity(ByteView key) {
  set_size(kAttributeHeader + Sha1().size());
  return add(Type::message_integrity, hmac_sha1(key, bytes_));
}

Writer& Writer::add_fingerprint() {
  set_size(kAttributeHeader + 4);
  return add_u32(Type::fingerprint, fingerprint(bytes_));
}

void Writer::set_size(std::size_t behind) {
  const std::size_t size = bytes_.size() - kHeaderSize + behind;
  bytes_[2] = static_cast<std::uint8_t>(size >> 8);
  bytes_[3] = static_cast<std::uint8_t>(size);
}

}  // namespace crolang::stun
