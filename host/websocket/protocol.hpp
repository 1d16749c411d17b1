#pragma once

/// Numbers of RFC 6455 that both directions share. No state, usable from any thread.

#include <cstddef>
#include <cstdint>
#include <string_view>

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

/// RFC 6455 7.4.1, the codes that the broker uses. A received code may be any other that the
/// section allows.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  no_status = 1005,  // never on the wire: stands for a close frame without payload
  invalid_payload = 1007,
  too_big = 1009,
};

/// What is wrong with the frames of a client.
enum class Fault : std::uint8_t {
  none,
  reserved_bit,         // RFC 6455 5.2; an extension that was not negotiated
  unmasked,             // 5.1
  unknown_opcode,       // 5.2
  nothing_to_continue,  // 5.4
  message_in_message,   // 5.4
  bad_control_frame,    // 5.5: in fragments, or longer than 125 bytes
  bad_close_frame,      // 5.5.1, 7.4
  not_utf8,             // 8.1
  too_large,
};

/// For the log.
[[nodiscard]] std::string_view describe(Fault fault) noexcept;

/// RFC 6455 5.5.
inline constexpr std::size_t kMaxControlPayload = 125;

}  // namespace crolang::websocket
