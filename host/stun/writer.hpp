#pragma once
/// Writes a STUN message (RFC 8489 5). Threads: one. Errors: std::bad_alloc.
/// Precondition: the attributes of a message have less than 64 KiB.

#include <cstdint>
#include <string_view>

#include "stun/message.hpp"

namespace crolang::stun {

class Writer {
 public:
  Writer(Class message_class, Method method, const TransactionId& transaction);

  Writer& add(Type type, ByteView value);
  Writer& add(Type type, std::string_view text);
  Writer& add_u32(Type type, std::uint32_t value);
  /// An XOR-…-ADDRESS.
  Writer& add_address(Type type, const TransportAddress& address);
  /// Signs what was added so far; only a fingerprint may follow.
  Writer& add_integrity(ByteView key);
  /// The last attribute.
  Writer& add_fingerprint();

  const Bytes& bytes() const noexcept { return bytes_; }

 private:
  void set_size(std::size_t behind);

  Bytes bytes_;
};

}  // namespace crolang::stun
