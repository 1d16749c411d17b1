/// The Socket.IO packets that the broker sends. Each is a complete text message of the WebSocket:
/// Engine.IO's `4` is included.
/// What is sent per message comes as two functions, the size in advance and the text into memory
/// that has room for it, so that whoever frames it copies it once. What is sent once per connection
/// is appended to a string.
/// Threads: pure functions. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "socketio/ack_id.hpp"
#include "socketio/packet.hpp"

namespace crolang::socketio {

enum class AckStatus : std::uint8_t { ok, error, unauthorized, not_connected, disabled };

/// `43<id>["OK"]` and its like. The id is present.
[[nodiscard]] std::size_t ack_size(const AckId& id, AckStatus status) noexcept;
/// Returns the end of what it wrote.
char* write_ack(char* out, const AckId& id, AckStatus status) noexcept;

/// `42["<name>",<argument>]`. The name needs no escapes; the argument is JSON and goes as it is.
[[nodiscard]] std::size_t event_size(std::string_view name, std::string_view argument) noexcept;
/// Returns the end of what it wrote.
char* write_event(char* out, std::string_view name, std::string_view argument) noexcept;

/// `43<id>["<text>"]`, an answer that is a string. The id is present.
void append_text_ack(std::string& out, const AckId& id, std::string_view text);

/// `40{"sid":"<sid>"}`.
void append_connect(std::string& out, std::string_view sid);

/// `44{"message":"<message>"}`, or `44<namespace>,{…}` outside the main one.
void append_connect_error(std::string& out, std::string_view message,
                          std::string_view name_space = kMainNamespace);

/// Tells a node not to come back.
inline constexpr std::string_view kDisconnect = "41";

}  // namespace crolang::socketio
