#include "socketio/packet.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace crolang::socketio {
namespace {

using namespace std::string_view_literals;

constexpr std::array kReservedNames{"connect"sv,       "connect_error"sv, "disconnect"sv,
                                    "disconnecting"sv, "newListener"sv,   "removeListener"sv};

bool is_binary(PacketType type) noexcept {
  return type == PacketType::binary_event || type == PacketType::binary_ack;
}

/// The number between the type and its dash. None at all means 0.
boost::system::result<std::uint32_t, Fault> read_count(std::string_view digits) noexcept {
  std::uint32_t count = 0;
  if (digits.empty()) return count;
  const char* const end = digits.data() + digits.size();
  const std::from_chars_result read = std::from_chars(digits.data(), end, count);
  if (read.ptr != end || read.ec == std::errc::invalid_argument) return Fault::bad_attachments;
  if (read.ec != std::errc{} || count > kMaxAttachments) return Fault::too_many_attachments;
  return count;
}

}  // namespace

std::string_view describe(Fault fault) noexcept {
  switch (fault) {
    case Fault::unknown_type:
      return "unknown packet type"sv;
    case Fault::bad_attachments:
      return "invalid number of attachments"sv;
    case Fault::too_many_attachments:
      return "too many attachments"sv;
    case Fault::bad_payload:
      return "invalid payload"sv;
  }
  return {};
}

boost::system::result<Packet, Fault> PacketParser::parse(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '6') return Fault::unknown_type;
  Packet packet;
  packet.type = static_cast<PacketType>(text.front() - '0');
  std::size_t at = 1;

  if (is_binary(packet.type)) {
    const std::size_t dash = text.find('-', at);
    if (dash == std::string_view::npos) return Fault::bad_attachments;
    const auto count = read_count(text.substr(at, dash - at));
    if (!count) return count.error();
    packet.attachments = *count;
    at = dash + 1;
  }

  if (at < text.size() && text[at] == '/') {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    packet.name_space = text.substr(at, comma - at);
    at = std::min(comma + 1, text.size());
  }

  const AckIdScan ack = scan_ack_id(text, at);
  packet.ack = ack.id;
  packet.data = text.substr(ack.end);
  if (!packet.data.empty() && !read_payload(packet)) return Fault::bad_payload;
  return packet;
}

bool PacketParser::read_payload(Packet& packet) {
  const char first = packet.data.front();
  switch (packet.type) {
    case PacketType::connect:
      return first == '{' && is_whole_value(packet.data);
    case PacketType::disconnect:
      return false;
    case PacketType::connect_error:
      return (first == '{' || first == '"') && is_whole_value(packet.data);
    case PacketType::event:
    case PacketType::binary_event:
      return read_event(packet.data, packet.event);
    case PacketType::ack:
    case PacketType::binary_ack:
      return first == '[' && is_whole_value(packet.data);
  }
  return false;
}

bool PacketParser::is_whole_value(std::string_view data) {
  const std::size_t end = json::scan_value(data, 0, depth_);
  return end != json::npos && json::skip_space(data, end) == data.size();
}

bool PacketParser::read_event(std::string_view data, EventView& event) {
  if (data.front() != '[') return false;
  std::size_t at = 0;
  // `at` is on the bracket or comma before the next element.
  for (std::size_t index = 0;; ++index) {
    const std::size_t start = json::skip_space(data, at + 1);
    const std::size_t end = json::scan_value(data, start, depth_);
    if (end == json::npos) return false;
    const std::string_view element = data.substr(start, end - start);
    if (index == 0) {
      if (!read_name(element, event)) return false;
    } else if (index == 1) {
      event.first_argument = element;
      event.first_kind = json::kind_of(element.front());
    }
    at = json::skip_space(data, end);
    if (at == data.size()) return false;
    if (data[at] == ']') {
      event.argument_count = index;
      return json::skip_space(data, at + 1) == data.size();
    }
    if (data[at] != ',') return false;
  }
}

bool PacketParser::read_name(std::string_view literal, EventView& event) {
  switch (json::kind_of(literal.front())) {
    case json::Kind::number:
      event.name = literal;
      return true;
    case json::Kind::string:
      break;
    case json::Kind::object:
    case json::Kind::array:
    case json::Kind::boolean:
    case json::Kind::null:
      return false;
  }
  if (literal.find('\\') == std::string_view::npos) {
    event.name = literal.substr(1, literal.size() - 2);
  } else {
    name_.clear();
    json::append_unescaped(name_, literal);
    event.name = name_;
  }
  return std::find(kReservedNames.begin(), kReservedNames.end(), event.name) ==
         kReservedNames.end();
}

}  // namespace crolang::socketio
