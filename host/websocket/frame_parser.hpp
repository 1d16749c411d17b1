#pragma once

/// The receiving half of a WebSocket server (RFC 6455): client bytes in, one event per frame out.
/// Thread: one at a time. Errors: a violation is an event that names the close code to answer with;
/// nothing is thrown but std::bad_alloc. No extension is known, so every reserved bit is a
/// violation.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "websocket/protocol.hpp"

namespace crolang::websocket {

struct Event {
  enum class Kind : std::uint8_t {
    incomplete,  // the frame at the front is not complete; nothing was changed
    fragment,    // a part of a message was kept
    text,        // a whole message, known to be UTF-8
    binary,      // a whole message
    ping,        // to be answered by a pong with the same payload
    pong,
    close,      // to be answered by a close with the same payload; what follows it is to be ignored
    violation,  // to be answered by a close with `code`; the parser must not be used again
  };

  Kind kind;
  /// Violation: what is wrong.
  Fault fault = Fault::none;
  /// Close: the code received, or no_status. Violation: the code to close with.
  CloseCode code = CloseCode::no_status;
  /// Unmasked. Valid until the next call of next() or until the bytes of the input change.
  std::span<char> payload = {};
  /// How many bytes at the front of the input were consumed.
  std::size_t consumed = 0;
  /// Incomplete: how many bytes the input must hold, from its front, before a call makes sense.
  /// Too large: how many the message has, as far as it was announced.
  std::size_t needed = 0;
};

class FrameParser {
 public:
  FrameParser() noexcept;
  FrameParser(FrameParser&&) noexcept;
  FrameParser& operator=(FrameParser&&) noexcept;
  ~FrameParser();

  /// Takes the frame at the front of `input` and unmasks it in place. The caller keeps the bytes of
  /// an incomplete frame and passes them again with more behind them. A message of more than
  /// `max_message_bytes` is refused as soon as a header announces it. Call until the answer is
  /// `incomplete`, also with no bytes left: that call frees the memory of a reassembled message.
  Event next(std::span<char> input, std::size_t max_message_bytes);

  /// Frees the memory of an unfinished message, whose remaining frames must not be passed.
  void forget() noexcept;
  /// Memory held for an unfinished message, in bytes.
  std::size_t held_bytes() const noexcept;

 private:
  struct Message;

  [[nodiscard]] Fault check(std::uint8_t first, std::uint8_t second) const noexcept;
  Event take_fragment(std::uint8_t first, std::span<char> payload, std::size_t consumed);

  std::unique_ptr<Message> message_;  // only while a fragmented message is in progress
};

}  // namespace crolang::websocket
