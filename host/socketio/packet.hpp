/// Socket.IO protocol 5: parses a client's packets in place. Accepts and refuses what the official
/// parser (4.2.4) does, with three exceptions, all stricter: a type is a digit, attachments are
/// counted in digits, and there are at most `kMaxAttachments`.
/// Threads: one parser per worker. Errors: a Fault, upon which the session is closed; nothing is
/// thrown but std::bad_alloc.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "json/scanner.hpp"
#include "socketio/ack_id.hpp"

namespace crolang::socketio {

enum class PacketType : std::uint8_t {
  connect,
  disconnect,
  event,
  ack,
  connect_error,
  binary_event,
  binary_ack,
};

inline constexpr std::string_view kMainNamespace = "/";
inline constexpr std::uint32_t kMaxAttachments = 10;

/// What is in an event's payload, `["<name>",<argument>,…]`.
struct EventView {
  std::string_view name;  ///< Decoded; a number as it is spelled. Empty for an event without data.
  std::size_t argument_count = 0;
  std::string_view first_argument;  ///< Raw JSON; empty if there is none.
  json::Kind first_kind = json::Kind::null;
};

struct Packet {
  PacketType type = PacketType::connect;
  std::uint32_t attachments = 0;                 ///< Binary messages to come; see BinaryAssembly.
  std::string_view name_space = kMainNamespace;  ///< As sent.
  AckId ack;
  std::string_view data;  ///< Raw JSON, checked and of a kind that fits the type; empty: absent.
  EventView event;        ///< Of event and binary_event.
};

enum class Fault : std::uint8_t {
  unknown_type,
  bad_attachments,
  too_many_attachments,
  bad_payload,  ///< Not JSON, or JSON that doesn't fit the type, or the event's name is reserved.
};

/// For the log.
[[nodiscard]] std::string_view describe(Fault fault) noexcept;

class PacketParser {
 public:
  /// Hot: per message. One pass over the bytes, no JSON tree, no allocation once the scratch memory
  /// has grown to the traffic. `text` is what follows Engine.IO's `4`, in valid UTF-8. The packet
  /// views the text, and the parser's own memory where a name had escapes, so it is valid until the
  /// next call and while the text is.
  [[nodiscard]] boost::system::result<Packet, Fault> parse(std::string_view text);

 private:
  [[nodiscard]] bool read_event(std::string_view data, EventView& event);
  [[nodiscard]] bool read_name(std::string_view literal, EventView& event);
  [[nodiscard]] bool read_payload(Packet& packet);
  [[nodiscard]] bool is_whole_value(std::string_view data);

  json::Depth depth_;
  std::string name_;
};

}  // namespace crolang::socketio
