#pragma once
/// Cuts the bytes of a TCP or TLS connection into STUN messages (RFC 8489 6.2.2). Pure.
/// Threads: one. Errors: Next::not_stun.

#include "stun/message.hpp"

namespace crolang::stun {

class StreamReader {
 public:
  void append(ByteView bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }

  enum class Next { incomplete, message, not_stun };
  /// Moves the next message to `message`. After not_stun, waiting() says what is there instead.
  Next take(Bytes& message);

  ByteView waiting() const noexcept { return waiting_; }

 private:
  Bytes waiting_;
};

}  // namespace crolang::stun
