#pragma once
/// Reads STUN messages (RFC 8489 5, 14) and the attributes that TURN adds (RFC 8656 18). Pure.
/// Threads: values. Errors: parse returns nullopt for what is not a STUN message, the readers of
/// attributes for one that is absent or malformed. A Message holds views of the bytes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client_address/address.hpp"

namespace crolang::stun {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::uint32_t kMagicCookie = 0x2112A442;

enum class Class : std::uint8_t { request, indication, success, error };

/// Others are kept as their number.
enum class Method : std::uint16_t {
  binding = 0x001,
  allocate = 0x003,
  refresh = 0x004,
  create_permission = 0x008,
};

/// Others are kept as their number.
enum class Type : std::uint16_t {
  mapped_address = 0x0001,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  lifetime = 0x000D,
  xor_peer_address = 0x0012,
  realm = 0x0014,
  nonce = 0x0015,
  xor_relayed_address = 0x0016,
  requested_transport = 0x0019,
  message_integrity_sha256 = 0x001C,
  xor_mapped_address = 0x0020,
  software = 0x8022,
  alternate_server = 0x8023,
  fingerprint = 0x8028,
};

using TransactionId = std::array<std::uint8_t, 12>;

struct TransportAddress {
  client_address::Address address;
  std::uint16_t port = 0;

  bool operator==(const TransportAddress&) const = default;
};

/// Whether something can be sent to it: neither its address nor its port is 0.
bool is_usable(const TransportAddress& address) noexcept;

/// "192.0.2.7:3478", "[2001:db8::1]:3478"
std::string text_of(const TransportAddress& address);

struct ErrorCode {
  int code = 0;             ///< 300 to 699
  std::string_view reason;  ///< as sent: any bytes
};

struct Attribute {
  Type type;
  ByteView value;
  std::size_t offset;  ///< of its header in the message
};

struct Message {
  Class message_class;
  Method method;
  TransactionId transaction;
  ByteView bytes;  ///< the whole message
  std::vector<Attribute> attributes;

  /// The first of its type; nullptr: there is none.
  const Attribute* find(Type type) const noexcept;
  std::string_view text(Type type) const noexcept;  ///< empty: absent
  std::optional<TransportAddress> address(Type type) const noexcept;
  /// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of an old server.
  std::optional<TransportAddress> mapped_address() const noexcept;
  std::optional<ErrorCode> error_code() const noexcept;
};

/// The bytes must be exactly one message, with at most 64 attributes. Attributes behind
/// MESSAGE-INTEGRITY are left out, but for FINGERPRINT and MESSAGE-INTEGRITY-SHA256 (14.5).
std::optional<Message> parse(ByteView bytes);

}  // namespace crolang::stun
