/// The packet parser against nlohmann: both accept the same payloads and find the same name and
/// arguments in every event; and against our own writer: what it writes reads back as what it was.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/json_oracle.hpp"
#include "socketio/binary.hpp"
#include "socketio/packet.hpp"
#include "socketio/writer.hpp"

using namespace crolang;
using socketio::Fault;
using socketio::Packet;
using socketio::PacketType;

namespace {

bool is_inside(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> not_after;
  return not_after(whole.data(), part.data()) &&
         not_after(part.data() + part.size(), whole.data() + whole.size());
}

bool is_event(PacketType type) {
  return type == PacketType::event || type == PacketType::binary_event;
}

bool is_reserved(const std::string& name) {
  static const std::string_view kNames[] = {"connect",       "connect_error", "disconnect",
                                            "disconnecting", "newListener",   "removeListener"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

/// Whether the official parser takes this for the payload of such a packet.
bool fits(PacketType type, const nlohmann::json& payload) {
  switch (type) {
    case PacketType::connect:
      return payload.is_object();
    case PacketType::disconnect:
      return false;
    case PacketType::connect_error:
      return payload.is_object() || payload.is_string();
    case PacketType::event:
    case PacketType::binary_event:
      return payload.is_array() && !payload.empty() &&
             (payload[0].is_number() ||
              (payload[0].is_string() && !is_reserved(payload[0].get<std::string>())));
    case PacketType::ack:
    case PacketType::binary_ack:
      return payload.is_array();
  }
  return false;
}

/// What follows type, attachments, namespace and id.
std::string_view payload_of(std::string_view text) {
  std::size_t at = 1;
  if (text[0] == '5' || text[0] == '6') at = text.find('-') + 1;
  if (text.substr(at, 1) == "/") at = std::min(text.find(',', at), text.size() - 1) + 1;
  return text.substr(socketio::scan_ack_id(text, at).end);
}

void check_acceptance(std::string_view text, const boost::system::result<Packet, Fault>& packet) {
  if (!packet && packet.error() != Fault::bad_payload) return;
  const std::string_view data = payload_of(text);
  const auto payload = fuzz::parse(data);
  const auto type = static_cast<PacketType>(text[0] - '0');
  fuzz::require(packet.has_value() == (data.empty() || (payload && fits(type, *payload))));
  if (!packet) return;
  fuzz::require(packet->type == type && packet->data == data);
  if (!is_event(type) || data.empty()) return;

  const socketio::EventView& event = packet->event;
  fuzz::require(event.argument_count == payload->size() - 1);
  if ((*payload)[0].is_string()) {
    fuzz::require(fuzz::without_lone_surrogates(event.name) == (*payload)[0].get<std::string>());
  } else {
    fuzz::require(fuzz::parse(event.name) == (*payload)[0]);
  }
  fuzz::require(event.first_argument.empty() == (event.argument_count == 0));
  if (event.argument_count == 0) return;
  fuzz::require(fuzz::parse(event.first_argument) == (*payload)[1]);
  fuzz::require((event.first_kind == json::Kind::string) == (*payload)[1].is_string());
}

void check_views(std::string_view text, const Packet& packet) {
  fuzz::require(packet.name_space == "/" || is_inside(packet.name_space, text));
  fuzz::require(is_inside(packet.data, text));
  fuzz::require(packet.event.first_argument.empty() ||
                is_inside(packet.event.first_argument, packet.data));
  fuzz::require(packet.attachments <= socketio::kMaxAttachments);
}

/// Our own packets begin with Engine.IO's `4`.
Packet read_back(socketio::PacketParser& parser, std::string_view message) {
  fuzz::require(message.starts_with('4'));
  const auto packet = parser.parse(message.substr(1));
  fuzz::require(packet.has_value());
  return *packet;
}

void check_refusal_reads_back(std::string_view text, std::string_view name_space) {
  socketio::PacketParser parser;
  std::string out;
  socketio::append_connect_error(out, text, name_space);
  const Packet packet = read_back(parser, out);
  fuzz::require(packet.type == PacketType::connect_error && packet.name_space == name_space);
}

void check_ack_reads_back(const socketio::AckId& id, std::string_view text) {
  // 1e+21, Infinity and NaN are echoed, but no ids to anybody.
  if (!id.present() || id.text().find_first_not_of("0123456789") != std::string_view::npos) return;
  socketio::PacketParser parser;
  constexpr std::string_view kArguments = R"(["OK"])";
  std::string out(socketio::ack_size(id, kArguments), '?');
  fuzz::require(socketio::write_ack(out.data(), id, kArguments) == out.data() + out.size());
  fuzz::require(read_back(parser, out).ack == id);

  out.clear();
  socketio::append_text_ack(out, id, text);
  const Packet packet = read_back(parser, out);
  fuzz::require(packet.type == PacketType::ack && packet.ack == id);
}

void check_event_reads_back(const socketio::EventView& event) {
  if (event.first_argument.empty()) return;
  std::string name;
  json::append_quoted(name, event.name);
  const std::string_view plain(name.data() + 1, name.size() - 2);
  if (plain != event.name) return;
  socketio::PacketParser parser;
  std::string out(socketio::event_size(plain, event.first_argument), '?');
  fuzz::require(socketio::write_event(out.data(), plain, event.first_argument) ==
                out.data() + out.size());
  const Packet packet = read_back(parser, out);
  fuzz::require(packet.event.name == event.name && packet.event.argument_count == 1);
  fuzz::require(packet.event.first_argument == event.first_argument);
}

bool tree_is_valid(const nlohmann::json& value, std::uint32_t attachments) {
  if (value.is_object() && value.value("_placeholder", nlohmann::json()) == true) {
    const nlohmann::json num = value.value("num", nlohmann::json());
    return num.is_number() && num.get<double>() >= 0 && num.get<double>() < attachments;
  }
  return !value.is_structured() ||
         std::all_of(value.begin(), value.end(), [attachments](const nlohmann::json& element) {
           return tree_is_valid(element, attachments);
         });
}

void check_placeholders(const Packet& packet) {
  if (packet.attachments == 0 || packet.data.empty()) return;
  const auto tree = nlohmann::json::parse(packet.data, nullptr, false);
  // Members that a later one of the same name replaces are not in the tree, hence no equivalence.
  if (!tree.is_discarded() && socketio::placeholders_are_valid(packet.data, packet.attachments)) {
    fuzz::require(tree_is_valid(tree, packet.attachments));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const bool is_utf8 = fuzz::stringify(text).has_value();
  socketio::PacketParser parser;
  const auto packet = parser.parse(text);
  if (is_utf8) check_acceptance(text, packet);
  if (!packet) return 0;
  check_views(text, *packet);
  if (!is_utf8) return 0;
  check_refusal_reads_back(text, packet->name_space);
  check_ack_reads_back(packet->ack, text);
  check_event_reads_back(packet->event);
  check_placeholders(*packet);
  return 0;
}
