#pragma once

/// The part of the opening handshake that is not HTTP (RFC 6455 4.2). Any thread.

#include <array>
#include <string_view>

namespace crolang::websocket {

/// Whether a Sec-WebSocket-Key has the form of 16 bytes in base64 (RFC 6455 4.2.1).
bool is_valid_key(std::string_view key) noexcept;

/// The Sec-WebSocket-Accept that proves that the key was read (RFC 6455 4.2.2, item 5.4). Throws
/// std::bad_alloc.
std::array<char, 28> accept_key(std::string_view key);

}  // namespace crolang::websocket
