#include "envelope/envelope.hpp"

#include <algorithm>
#include <array>

namespace crolang::envelope {
namespace {

using namespace std::string_view_literals;

/// How many bytes the white space at the start of the text takes; 0: it starts with something else.
/// ECMA-262 WhiteSpace and LineTerminator, which are all that trim() removes.
std::size_t space_at_start(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  switch (byte(0)) {
    case 0x09:
    case 0x0A:
    case 0x0B:
    case 0x0C:
    case 0x0D:
    case 0x20:
      return 1;
    case 0xC2:  // U+00A0
      return byte(1) == 0xA0 ? 2 : 0;
    case 0xE1:  // U+1680
      return byte(1) == 0x9A && byte(2) == 0x80 ? 3 : 0;
    case 0xE2:  // U+2000 to U+200A, U+2028, U+2029, U+202F; U+205F
      if (byte(1) == 0x81) return byte(2) == 0x9F ? 3 : 0;
      if (byte(1) != 0x80) return 0;
      return (byte(2) >= 0x80 && byte(2) <= 0x8A) || byte(2) == 0xA8 || byte(2) == 0xA9 ||
                     byte(2) == 0xAF
                 ? 3
                 : 0;
    case 0xE3:  // U+3000
      return byte(1) == 0x80 && byte(2) == 0x80 ? 3 : 0;
    case 0xEF:  // U+FEFF
      return byte(1) == 0xBB && byte(2) == 0xBF ? 3 : 0;
    default:  // no enum: a character
      return 0;
  }
}

std::size_t space_at_end(std::string_view text) noexcept {
  // A character's first byte is never a later byte of another one, so at most one length fits.
  for (std::size_t size = 1; size <= std::min<std::size_t>(3, text.size()); ++size) {
    if (space_at_start(text.substr(text.size() - size)) == size) return size;
  }
  return 0;
}

bool is_string(std::string_view value) noexcept {
  return !value.empty() && json::kind_of(value.front()) == json::Kind::string;
}

}  // namespace

std::string_view trim(std::string_view utf8) noexcept {
  while (const std::size_t space = space_at_start(utf8)) utf8.remove_prefix(space);
  while (const std::size_t space = space_at_end(utf8)) utf8.remove_suffix(space);
  return utf8;
}

boost::system::result<Envelope, Fault> EnvelopeReader::read(std::string_view literal) {
  std::array members{Member{"from"sv}, Member{"to"sv}};
  const std::string_view payload = decode_payload(literal);
  if (!find_members(payload, members)) return fault_of(payload);
  const auto& [from, to] = members;
  return envelope_of(from.value, to.value);
}

boost::system::result<Envelope, Fault> EnvelopeReader::read(std::string_view literal,
                                                            NegotiationMembers& negotiation) {
  std::array members{Member{"from"sv}, Member{"to"sv}, Member{"sessionId"sv}, Member{"candidate"sv},
                     Member{"sessionDescription"sv}};
  const std::string_view payload = decode_payload(literal);
  if (!find_members(payload, members)) return fault_of(payload);
  const auto& [from, to, session, candidate, description] = members;
  negotiation.session_id = is_string(session.value) ? decode(session.value) : session.value;
  negotiation.candidate = candidate.value;
  negotiation.description = description.value;
  return envelope_of(from.value, to.value);
}

boost::system::result<Envelope, Fault> EnvelopeReader::envelope_of(std::string_view from,
                                                                   std::string_view to) {
  Envelope envelope;
  if (!is_string(to)) return Fault::no_receiver;
  envelope.to = trim(decode(to));
  if (envelope.to.empty()) return Fault::no_receiver;
  if (is_string(from)) {
    envelope.from_kind = Envelope::From::named;
    envelope.from = decode(from);
  } else if (!from.empty()) {
    envelope.from_kind = Envelope::From::unusable;
  }
  return envelope;
}

boost::system::result<Ids, Fault> EnvelopeReader::read_ids(std::string_view literal,
                                                           std::size_t max_ids) {
  std::array members{Member{"ids"sv}};
  const std::string_view payload = decode_payload(literal);
  if (!find_members(payload, members)) return fault_of(payload);
  const std::string_view list = members.front().value;
  if (list.empty() || json::kind_of(list.front()) != json::Kind::array) return Fault::no_ids;

  // The list is valid JSON, so as long as its elements are strings only their ends have to be
  // found.
  ids_.clear();
  for (std::size_t at = json::skip_space(list, 1); list[at] != ']';) {
    if (list[at] != '"') return Fault::unusable_id;
    if (ids_.size() == max_ids) return Fault::too_many_ids;
    const std::size_t end = json::scan_string(list, at).end;
    const std::string_view id = trim(decode(list.substr(at, end - at)));
    if (id.empty()) return Fault::unusable_id;
    ids_.push_back(id);
    at = json::skip_space(list, end);
    if (list[at] == ',') at = json::skip_space(list, at + 1);
  }
  return Ids(ids_);
}

/// Also empties the memory for decoded strings, with room for all that this payload can hold: views
/// of it stay valid while more are added.
std::string_view EnvelopeReader::decode_payload(std::string_view literal) {
  if (payload_.size() < literal.size()) payload_.resize(literal.size());
  decoded_.clear();
  decoded_.reserve(literal.size());
  return std::string_view(payload_).substr(0, json::unescape(literal, payload_.data()));
}

/// Checks the whole text, which must be an object, and gives each wanted member its value. Of
/// several members with one name the last counts, as in ECMA-262's JSON.parse.
bool EnvelopeReader::find_members(std::string_view text, std::span<Member> wanted) {
  std::size_t at = json::skip_space(text, 0);
  if (at == text.size() || text[at] != '{') return false;
  at = json::skip_space(text, at + 1);
  bool is_closed = at < text.size() && text[at] == '}';
  while (!is_closed) {
    const json::KeyScan key = json::scan_key(text, at);
    const std::size_t end = json::scan_value(text, key.value, depth_);
    if (end == json::npos) return false;
    const std::string_view value = text.substr(key.value, end - key.value);
    if (!key.has_escapes) {
      const std::string_view name = key.literal.substr(1, key.literal.size() - 2);
      for (Member& member : wanted) {
        if (member.name == name) member.value = value;
      }
    } else {
      for (Member& member : wanted) {
        if (is_named(key, member.name)) member.value = value;
      }
    }
    at = json::skip_space(text, end);
    if (at == text.size() || (text[at] != ',' && text[at] != '}')) return false;
    is_closed = text[at] == '}';
    if (!is_closed) at = json::skip_space(text, at + 1);
  }
  return json::skip_space(text, at + 1) == text.size();
}

Fault EnvelopeReader::fault_of(std::string_view text) {
  const std::size_t at = json::skip_space(text, 0);
  if (at == text.size() || text[at] == '{') return Fault::not_json;
  const std::size_t end = json::scan_value(text, at, depth_);
  const bool is_json = end != json::npos && json::skip_space(text, end) == text.size();
  return is_json ? Fault::no_object : Fault::not_json;
}

/// Of a key that has escapes.
bool EnvelopeReader::is_named(const json::KeyScan& key, std::string_view name) {
  const std::size_t size = decoded_.size();
  json::append_unescaped(decoded_, key.literal);
  const bool is_equal = std::string_view(decoded_).substr(size) == name;
  decoded_.resize(size);
  return is_equal;
}

/// The characters of a literal of the payload. Most have no escapes and are returned as a view of
/// the payload.
std::string_view EnvelopeReader::decode(std::string_view literal) {
  const std::string_view inner = literal.substr(1, literal.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner;
  const std::size_t size = decoded_.size();
  json::append_unescaped(decoded_, literal);
  return std::string_view(decoded_).substr(size);
}

}  // namespace crolang::envelope
