#pragma once

/// A client's side of the wire for tests: frames as a client may send them (or may not), and a feed
/// that plays the connection around a parser. Header only, as the fuzzer uses it without
/// GoogleTest.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "websocket/frame_parser.hpp"
#include "websocket/mask.hpp"

namespace crolang::websocket::testing {

inline constexpr MaskKey kKey = {'\x37', '\xfa', '\x21', '\x3d'};  // RFC 6455 5.7
inline constexpr std::uint8_t kFinal = 0x80;
inline constexpr std::size_t kLimit = 1'000'000;

enum class Length : std::uint8_t { shortest, in_16_bits, in_64_bits };

/// The header of a masked frame without its payload.
inline std::string header(std::uint8_t first, std::uint64_t length,
                          Length form = Length::shortest) {
  if (form == Length::shortest && length > 125) {
    form = length <= 0xFFFF ? Length::in_16_bits : Length::in_64_bits;
  }
  const int extension = form == Length::shortest ? 0 : form == Length::in_16_bits ? 2 : 8;
  const std::uint64_t second = extension == 0 ? length : extension == 2 ? 126 : 127;
  std::string bytes = {static_cast<char>(first), static_cast<char>(0x80 | second)};
  for (int i = extension - 1; i >= 0; --i) bytes += static_cast<char>(length >> (8 * i));
  return bytes.append(kKey.data(), kKey.size());
}

/// A masked frame whose first byte is free.
inline std::string frame(std::uint8_t first, std::string_view payload,
                         Length form = Length::shortest) {
  std::string bytes = header(first, payload.size(), form);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes += static_cast<char>(payload[i] ^ kKey[i % kKey.size()]);
  }
  return bytes;
}

/// A frame that ends its message.
inline std::string last(Opcode opcode, std::string_view payload) {
  return frame(static_cast<std::uint8_t>(kFinal | static_cast<std::uint8_t>(opcode)), payload);
}

/// A frame whose message goes on.
inline std::string more(Opcode opcode, std::string_view payload) {
  return frame(static_cast<std::uint8_t>(opcode), payload);
}

inline std::string text(std::string_view payload) {
  return last(Opcode::text, payload);
}
inline std::string ping(std::string_view payload) {
  return last(Opcode::ping, payload);
}

inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return payload.append(reason);
}

inline std::string close(unsigned code, std::string_view reason = {}) {
  return last(Opcode::close, close_payload(code, reason));
}

/// Keeps the bytes of incomplete frames like a connection does, and writes the events down as text.
/// A breach of next()'s promises is written down as a "fault".
class Feed {
 public:
  explicit Feed(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  void push(std::string_view piece) {
    kept_.append(piece);
    while (!is_over_) {
      // A copy of just these bytes, so that a sanitizer sees the parser step over their end.
      std::vector<char> input(kept_.begin(), kept_.end());
      const Event event = parser_.next(input, max_message_bytes_);
      if (event.kind == Event::Kind::incomplete) {
        check(event.consumed == 0 && event.payload.empty(), "an incomplete frame gave something");
        check(event.needed > kept_.size(), "needed is already there");
        check(std::string(input.begin(), input.end()) == kept_, "an incomplete frame was touched");
        needed_ = event.needed;
        return;
      }
      check(kept_.size() >= needed_, "needed was too much");
      needed_ = 0;
      events.push_back(describe(event));
      is_over_ = event.kind == Event::Kind::violation || event.kind == Event::Kind::close;
      if (event.kind == Event::Kind::violation) return;
      check(event.consumed > 0 && event.consumed <= kept_.size(), "consumed is not in the input");
      check(std::string(input.begin() + static_cast<std::ptrdiff_t>(event.consumed), input.end()) ==
                kept_.substr(event.consumed),
            "bytes behind the frame were touched");
      kept_.erase(0, event.consumed);
    }
  }

  /// Bytes that the frame at the front lacks; 0 between frames and after the end.
  [[nodiscard]] std::size_t missing() const {
    return is_over_ || kept_.empty() ? 0 : needed_ - kept_.size();
  }

  std::vector<std::string> events;

 private:
  void check(bool holds, std::string_view what) {
    if (!holds) events.push_back(std::string("fault: ").append(what));
  }

  static std::string describe(const Event& event) {
    const std::string payload(event.payload.begin(), event.payload.end());
    const std::string code = std::to_string(static_cast<unsigned>(event.code));
    switch (event.kind) {
      case Event::Kind::fragment:
        return "fragment";
      case Event::Kind::text:
        return "text:" + payload;
      case Event::Kind::binary:
        return "binary:" + payload;
      case Event::Kind::ping:
        return "ping:" + payload;
      case Event::Kind::pong:
        return "pong:" + payload;
      case Event::Kind::close:
        return "close:" + code + ":" + payload;
      case Event::Kind::violation:
        return "violation:" + code;
      case Event::Kind::incomplete:
        break;
    }
    return "fault: a kind that no frame has";
  }

  FrameParser parser_;
  std::size_t max_message_bytes_;
  std::string kept_;
  std::size_t needed_ = 0;
  bool is_over_ = false;
};

inline std::vector<std::string> events_of_pieces(std::string_view bytes, std::size_t piece,
                                                 std::size_t max_message_bytes) {
  Feed feed(max_message_bytes);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    feed.push(bytes.substr(0, piece));
  }
  return std::move(feed.events);
}

}  // namespace crolang::websocket::testing
