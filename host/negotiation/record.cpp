#include "negotiation/record.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "crolang/enum_count.hpp"
#include "negotiation/shortening.hpp"

namespace crolang::negotiation {

std::string_view name_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::attempt:
      return "attempt";
    case MessageKind::acceptance:
      return "acceptance";
    case MessageKind::refusal:
      return "refusal";
    case MessageKind::not_allowed:
      return "notAllowed";
    case MessageKind::candidates:
      return "candidates";
  }
  return {};
}

std::string_view name_of(Side side) {
  switch (side) {
    case Side::initiator:
      return "initiator";
    case Side::responder:
      return "responder";
  }
  return {};
}

std::string_view name_of(Ack ack) {
  switch (ack) {
    case Ack::pending:
      return {};
    case Ack::ok:
      return "OK";
    case Ack::error:
      return "ERROR";
    case Ack::unauthorized:
      return "UNAUTHORIZED";
    case Ack::not_connected:
      return "NOT_CONNECTED";
  }
  return {};
}

std::string_view name_of(State state) {
  switch (state) {
    case State::attempting:
      return "attempting";
    case State::answered:
      return "answered";
    case State::refused:
      return "refused";
    case State::not_allowed:
      return "notAllowed";
    case State::unanswered:
      return "unanswered";
    case State::not_connected:
      return "notConnected";
    case State::unauthorized:
      return "unauthorized";
    case State::failed:
      return "failed";
  }
  return {};
}

std::optional<State> state_named(std::string_view name) {
  for (std::size_t i = 0; i < enum_count<State>(); ++i) {
    const auto state = static_cast<State>(i);
    if (name_of(state) == name) return state;
  }
  return std::nullopt;
}

std::optional<MessageKind> message_kind_named(std::string_view name) {
  for (std::size_t i = 0; i < enum_count<MessageKind>(); ++i) {
    const auto kind = static_cast<MessageKind>(i);
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

Ack ack_named(std::string_view name) {
  for (std::size_t i = 0; i < enum_count<Ack>(); ++i) {
    const auto ack = static_cast<Ack>(i);
    if (name_of(ack) == name) return ack;
  }
  return Ack::pending;
}

std::string id_of(std::uint64_t number) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string id;
  for (int shift = 60; shift >= 0; shift -= 4) id += kHex[(number >> shift) & 15U];
  return id;
}

std::uint64_t number_of(std::string_view id) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number, 16);
  return error == std::errc{} && id == id_of(number) ? number : 0;
}

void Record::reset() {
  number = 0;
  hash = 0;
  started = {};
  last_message = {};
  state = {};
  is_counted = false;
  initiator_is_local = false;
  attempt_ack = {};
  answer_ack = {};
  answered_after.reset();
  failure = {};
  parties = {};
  // Only so many of the events count.
  event_count = 0;
  events_left_out = 0;
  copies_left_out = 0;
  names_.clear();
  responder_at_ = 0;
  session_at_ = 0;
}

void Record::set_names(std::string_view initiator, std::string_view responder,
                       std::string_view session) {
  names_.clear();
  // Growing by itself, it could take twice as much.
  names_.reserve(std::min(initiator.size(), kLongestId) + std::min(responder.size(), kLongestId) +
                 std::min(session.size(), kLongestSession));
  append_bounded(names_, initiator, kLongestId);
  responder_at_ = static_cast<std::uint16_t>(names_.size());
  append_bounded(names_, responder, kLongestId);
  session_at_ = static_cast<std::uint16_t>(names_.size());
  append_bounded(names_, session, kLongestSession);
}

void Record::clear_names() {
  std::string().swap(names_);
  responder_at_ = 0;
  session_at_ = 0;
}

}  // namespace crolang::negotiation
