/// Parses a client's WebSocket text messages (Engine.IO protocol 4).
/// Threads: any; no shared state. Errors: nullopt; the caller then closes the transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace crolang::engineio {

enum class PacketType : std::uint8_t {
  pong,
  message,  ///< `data` goes to the layer above.
  binary,   ///< `b<base64>`, the text form of a binary message.
  ignored,  ///< open, close, upgrade and noop: a client may send them, they change nothing.
};

struct Packet {
  PacketType type;
  std::string_view data;  ///< What follows the type; a view of the parsed text.
};

/// Hot: per message. nullopt if the text is empty, or its type is unknown or a ping, which in
/// protocol 4 only servers send.
[[nodiscard]] std::optional<Packet> parse(std::string_view text) noexcept;

/// How many bytes the `data` of a binary packet stands for. Decoding is as lenient as Node.js's, so
/// no base64 counts as malformed.
[[nodiscard]] std::size_t decoded_size(std::string_view base64) noexcept;

}  // namespace crolang::engineio
