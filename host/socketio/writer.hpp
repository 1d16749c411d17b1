/// The Socket.IO packets that the broker sends. Each is a complete text message of the WebSocket:
/// Engine.IO's `4` is included.
/// Packets that are sent per message have two functions, one for the size and one that writes the
/// text into memory of that size, so that the text is copied only once, into its frame. What is
/// sent once per connection is appended to a string.
/// Threads: any; no shared state. Errors: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "socketio/ack_id.hpp"
#include "socketio/packet.hpp"

namespace crolang::socketio {

/// How every acknowledgement begins.
inline constexpr std::string_view kAck = "43";

/// `43<id><arguments>`. The arguments are a JSON array and are sent unchanged. The id must be
/// present.
[[nodiscard]] constexpr std::size_t ack_size(const AckId& id, std::string_view arguments) noexcept {
  return kAck.size() + id.text().size() + arguments.size();
}
/// Returns the end of what it wrote.
char* write_ack(char* out, const AckId& id, std::string_view arguments) noexcept;
/// No acknowledgement with arguments of this size is longer.
[[nodiscard]] constexpr std::size_t longest_ack_size(std::size_t arguments_size) noexcept {
  return kAck.size() + AckId::kMaxSize + arguments_size;
}

/// `42["<name>",<argument>]`. The name needs no escapes; the argument is JSON and is sent
/// unchanged.
[[nodiscard]] std::size_t event_size(std::string_view name, std::string_view argument) noexcept;
/// Returns the end of what it wrote.
char* write_event(char* out, std::string_view name, std::string_view argument) noexcept;

/// `43<id>["<text>"]`, an answer that is a string. The id must be present.
void append_text_ack(std::string& out, const AckId& id, std::string_view text);

/// `40{"sid":"<sid>"}`.
void append_connect(std::string& out, std::string_view sid);

/// `44{"message":"<message>"}`, or `44<namespace>,{…}` outside the main one.
void append_connect_error(std::string& out, std::string_view message,
                          std::string_view name_space = kMainNamespace);

/// Tells a node not to reconnect.
inline constexpr std::string_view kDisconnect = "41";

}  // namespace crolang::socketio
