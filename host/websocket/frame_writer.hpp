#pragma once

/// The sending half of a WebSocket server (RFC 6455 5.2): headers of final, unmasked frames, which
/// the caller writes in front of payloads in its own buffer. Any thread; no errors.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "websocket/protocol.hpp"

namespace crolang::websocket {

inline constexpr std::size_t kMaxHeaderBytes = 10;

constexpr std::size_t header_size(std::size_t payload) noexcept {
  if (payload <= 125) return 2;
  return payload <= 0xFFFF ? 4 : kMaxHeaderBytes;
}

/// Writes header_size(payload) bytes to `out` and returns their number.
constexpr std::size_t write_header(char* out, Opcode opcode, std::size_t payload) noexcept {
  const std::size_t size = header_size(payload);
  out[0] = static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  out[1] = static_cast<char>(size == 2 ? payload : size == 4 ? 126 : 127);
  // RFC 6455 5.2: the most significant byte comes first.
  for (std::size_t i = size; i > 2; --i, payload >>= 8) out[i - 1] = static_cast<char>(payload);
  return size;
}

class CloseFrame {
 public:
  /// RFC 6455 7.4.1: no_status is what a close frame without payload means.
  explicit constexpr CloseFrame(CloseCode code) noexcept {
    const auto number = static_cast<std::uint16_t>(code);
    const std::size_t payload = code == CloseCode::no_status ? 0 : sizeof number;
    size_ = write_header(bytes_.data(), Opcode::close, payload) + payload;
    bytes_[2] = static_cast<char>(number >> 8);
    bytes_[3] = static_cast<char>(number & 0xFF);
  }

  [[nodiscard]] constexpr std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 4> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace crolang::websocket
