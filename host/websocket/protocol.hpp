#pragma once

/// Numbers of RFC 6455 that both directions share. No state, usable from any thread.

#include <cstddef>
#include <cstdint>

namespace crolang::websocket {

/// RFC 6455 11.8; every other value is reserved.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// RFC 6455 7.4.1, the codes that this side has a use for. A received code may be any other that
/// the section allows.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  no_status = 1005,  // never on the wire: stands for a close frame without payload
  invalid_payload = 1007,
  too_big = 1009,
};

/// RFC 6455 5.5.
inline constexpr std::size_t kMaxControlPayload = 125;

}  // namespace crolang::websocket
