#include "websocket/frame_parser.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "websocket/mask.hpp"
#include "websocket/utf8.hpp"

namespace crolang::websocket {
namespace {

// RFC 6455 5.2.
constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0F;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLengthBits = 0x7F;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::uint64_t kLengthTopBit = std::uint64_t{1} << 63;

std::uint8_t octet(char byte) {
  return static_cast<std::uint8_t>(byte);
}

Opcode opcode_of(std::uint8_t first) {
  return static_cast<Opcode>(first & kOpcodeBits);
}

std::uint64_t big_endian(std::span<const char> bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | octet(byte);
  return value;
}

Event incomplete(std::size_t needed) {
  return {.kind = Event::Kind::incomplete, .needed = needed};
}

Event violation(Fault fault) {
  const CloseCode code =
      fault == Fault::not_utf8 ? CloseCode::invalid_payload : CloseCode::protocol_error;
  return {.kind = Event::Kind::violation, .fault = fault, .code = code};
}

Event too_large(std::uint64_t before, std::uint64_t length) {
  const std::uint64_t announced = before + std::min(length, ~before);
  return {.kind = Event::Kind::violation,
          .fault = Fault::too_large,
          .code = CloseCode::too_big,
          .needed = static_cast<std::size_t>(announced)};
}

// RFC 6455 7.4.1 and 7.4.2, and the codes IANA registered since (1012 to 1014).
bool may_be_sent(std::uint64_t code) {
  if (code >= 1000 && code <= 1014) return code != 1004 && code != 1005 && code != 1006;
  return code >= 3000 && code <= 4999;
}

Event close_event(std::span<char> payload, std::size_t consumed) {
  Event event{.kind = Event::Kind::close, .payload = payload, .consumed = consumed};
  if (payload.empty()) return event;
  // RFC 6455 5.5.1: a code of two bytes, then a reason in UTF-8.
  if (payload.size() < 2) return violation(Fault::bad_close_frame);
  const std::uint64_t code = big_endian(payload.first(2));
  if (!may_be_sent(code)) return violation(Fault::bad_close_frame);
  const auto reason = payload.subspan(2);
  if (!is_utf8({reason.data(), reason.size()})) return violation(Fault::not_utf8);
  event.code = static_cast<CloseCode>(code);
  return event;
}

}  // namespace

std::string_view describe(Fault fault) noexcept {
  switch (fault) {
    case Fault::none:
      break;
    case Fault::reserved_bit:
      return "a reserved bit is set, as if an extension had been negotiated";
    case Fault::unmasked:
      return "unmasked frame";
    case Fault::unknown_opcode:
      return "unknown opcode";
    case Fault::nothing_to_continue:
      return "continuation frame without a message";
    case Fault::message_in_message:
      return "new message before the end of a fragmented one";
    case Fault::bad_control_frame:
      return "control frame that is fragmented or longer than 125 bytes";
    case Fault::bad_close_frame:
      return "invalid close frame";
    case Fault::not_utf8:
      return "text that is not UTF-8";
    case Fault::too_large:
      return "message too large";
  }
  return {};
}

struct FrameParser::Message {
  explicit Message(Event::Kind message_kind) noexcept : kind(message_kind) {}

  const Event::Kind kind;
  Utf8Check utf8;
  bool is_delivered = false;
  std::string bytes;
};

FrameParser::FrameParser() noexcept = default;
FrameParser::FrameParser(FrameParser&&) noexcept = default;
FrameParser& FrameParser::operator=(FrameParser&&) noexcept = default;
FrameParser::~FrameParser() = default;

void FrameParser::forget() noexcept {
  message_.reset();
}

std::size_t FrameParser::held_bytes() const noexcept {
  return message_ ? message_->bytes.capacity() : 0;
}

Fault FrameParser::check(std::uint8_t first, std::uint8_t second) const noexcept {
  if ((first & kReservedBits) != 0) return Fault::reserved_bit;  // RFC 6455 5.2
  if ((second & kMasked) == 0) return Fault::unmasked;           // RFC 6455 5.1
  switch (opcode_of(first)) {
    case Opcode::continuation:  // RFC 6455 5.4: continues something,
      return message_ != nullptr ? Fault::none : Fault::nothing_to_continue;
    case Opcode::text:  // and nothing else may start before that ended
    case Opcode::binary:
      return message_ == nullptr ? Fault::none : Fault::message_in_message;
    case Opcode::close:  // RFC 6455 5.5
    case Opcode::ping:
    case Opcode::pong:
      return (first & kFinal) != 0 && (second & kLengthBits) <= kMaxControlPayload
                 ? Fault::none
                 : Fault::bad_control_frame;
  }
  return Fault::unknown_opcode;  // RFC 6455 5.2
}

// Hot: per message. An unfragmented one is neither copied nor does it allocate.
Event FrameParser::next(std::span<char> input, std::size_t max_message_bytes) {
  if (message_ && message_->is_delivered) message_.reset();

  std::size_t header = 2;
  if (input.size() < header) return incomplete(header);
  const std::uint8_t first = octet(input[0]);
  const std::uint8_t second = octet(input[1]);
  if (const Fault fault = check(first, second); fault != Fault::none) return violation(fault);
  const Opcode opcode = opcode_of(first);
  const bool is_control = opcode >= Opcode::close;

  // RFC 6455 5.2 requires the shortest form of a length; longer ones do no harm and are accepted.
  std::uint64_t length = second & kLengthBits;
  if (length == kLength16 || length == kLength64) {
    const std::size_t extension = length == kLength16 ? 2 : 8;
    header += extension;
    if (input.size() < header) return incomplete(header);
    length = big_endian(input.subspan(2, extension));
  }
  if (!is_control) {
    const std::size_t before = message_ ? message_->bytes.size() : 0;
    const std::size_t room = max_message_bytes - std::min(before, max_message_bytes);
    // RFC 6455 5.2 forbids the top bit without naming a close code. Such a length exceeds every
    // limit, so it is treated as too large.
    if (length > room || (length & kLengthTopBit) != 0) return too_large(before, length);
  }

  const std::size_t total = header + sizeof(MaskKey) + static_cast<std::size_t>(length);
  if (input.size() < total) return incomplete(total);
  MaskKey key;
  std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(header), key.size(), key.begin());
  const auto payload = input.subspan(header + key.size(), static_cast<std::size_t>(length));
  const bool is_ascii = unmask(payload, key);

  const auto event = [&](Event::Kind kind) {
    return Event{.kind = kind, .payload = payload, .consumed = total};
  };
  switch (opcode) {
    case Opcode::close:
      return close_event(payload, total);
    case Opcode::ping:
      return event(Event::Kind::ping);
    case Opcode::pong:
      return event(Event::Kind::pong);
    case Opcode::continuation:
      return take_fragment(first, payload, total);
    case Opcode::text:
    case Opcode::binary:
      break;
  }
  if ((first & kFinal) == 0) return take_fragment(first, payload, total);
  if (opcode == Opcode::binary) return event(Event::Kind::binary);
  // RFC 6455 8.1.
  if (!is_ascii && !is_utf8({payload.data(), payload.size()})) {
    return violation(Fault::not_utf8);
  }
  return event(Event::Kind::text);
}

Event FrameParser::take_fragment(std::uint8_t first, std::span<char> payload,
                                 std::size_t consumed) {
  if (!message_) {
    const bool is_text = opcode_of(first) == Opcode::text;
    message_ = std::make_unique<Message>(is_text ? Event::Kind::text : Event::Kind::binary);
  }
  Message& message = *message_;
  const bool is_final = (first & kFinal) != 0;
  // RFC 6455 8.1: the message has to be UTF-8, its fragments may split a character.
  if (message.kind == Event::Kind::text) {
    const bool is_legal = message.utf8.feed(payload);
    if (!is_legal || (is_final && !message.utf8.complete())) {
      return violation(Fault::not_utf8);
    }
  }
  message.bytes.append(payload.data(), payload.size());
  if (!is_final) return {.kind = Event::Kind::fragment, .consumed = consumed};
  message.is_delivered = true;
  return {.kind = message.kind, .payload = message.bytes, .consumed = consumed};
}

}  // namespace crolang::websocket
