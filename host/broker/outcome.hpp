#pragma once
/// The outcome of a message: how it is acknowledged, and the reason for the log.
/// Threads: plain values, not synchronised. Errors: none.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/events.hpp"
#include "crolang/enum_count.hpp"
#include "envelope/envelope.hpp"

namespace crolang::broker {

enum class Outcome : std::uint8_t {
  delivered,
  p2p_disabled,
  relay_disabled,
  over_rate,  ///< the sender exceeds MESSAGE_RATE_PER_NODE
  no_payload,
  payload_not_string,
  payload_not_json,
  payload_not_object,
  no_receiver,
  forged_sender,
  sender_not_string,
  unauthorized,  ///< the authorization module says no
  authorization_unavailable,
  backlog_full,          ///< too many bytes of the sender wait for answers
  outbox_full,           ///< the receiver reads too slowly
  registry_unavailable,  ///< so the receiver could not be looked up
  not_taken,             ///< the receiver's instance could not take it, or did not answer
  impossible_receiver,   ///< no node can have this id
  not_connected,
  overtaken,  ///< a later message has reached the receiver
};

namespace detail {

struct Meaning {
  AckStatus status;
  std::string_view why;
};
constexpr Meaning meaning_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::delivered:
      return {AckStatus::ok, {}};
    case Outcome::p2p_disabled:
      return {AckStatus::disabled, "P2P_CONNECTION_ENABLED is false"};
    case Outcome::relay_disabled:
      return {AckStatus::disabled, "WEBSOCKET_RELAY_ENABLED is false"};
    case Outcome::over_rate:
      return {AckStatus::error,
              "the node sends faster than MESSAGE_RATE_PER_NODE and MESSAGE_BURST_PER_NODE allow"};
    case Outcome::no_payload:
      return {AckStatus::error, "the event has no payload"};
    case Outcome::payload_not_string:
      return {AckStatus::error, "the payload is not a string: nodes send JSON.stringify(message)"};
    case Outcome::payload_not_json:
      return {AckStatus::error, "the payload is not JSON"};
    case Outcome::payload_not_object:
      return {AckStatus::error, "the payload is not a JSON object"};
    case Outcome::no_receiver:
      return {AckStatus::error, "the payload has no string \"to\" that names a node"};
    case Outcome::forged_sender:
      return {AckStatus::unauthorized, "\"from\" is not the sender's id"};
    case Outcome::sender_not_string:
      return {AckStatus::unauthorized, "\"from\" is not a string"};
    case Outcome::unauthorized:
      return {AckStatus::unauthorized, "the sender may not send to this node"};
    case Outcome::authorization_unavailable:
      return {AckStatus::error, "authorization is not available"};
    case Outcome::backlog_full:
      return {AckStatus::error,
              "the sender's messages that wait for answers exceed MAX_OUTBOX_BYTES"};
    case Outcome::outbox_full:
      return {AckStatus::error, "the receiver's outbox is full: MAX_OUTBOX_BYTES"};
    case Outcome::registry_unavailable:
      return {AckStatus::error, "the registry is not available"};
    case Outcome::not_taken:
      return {AckStatus::error, "the receiver's broker could not accept it, or did not answer"};
    case Outcome::impossible_receiver:
      return {AckStatus::not_connected, "no node can have this id"};
    case Outcome::not_connected:
      return {AckStatus::not_connected, "no such node is connected"};
    case Outcome::overtaken:
      return {AckStatus::not_connected, "a later message has reached the receiver"};
  }
  return {};
}
inline constexpr auto kMeanings = [] {
  std::array<Meaning, enum_count<Outcome>()> meanings{};
  for (std::size_t i = 0; i < meanings.size(); ++i)
    meanings[i] = meaning_of(static_cast<Outcome>(i));
  return meanings;
}();

}  // namespace detail

// Hot: per message.
constexpr AckStatus status_of(Outcome outcome) {
  return detail::kMeanings[static_cast<std::size_t>(outcome)].status;
}

/// Of a payload that cannot be relayed.
constexpr Outcome outcome_of(envelope::Fault fault) {
  switch (fault) {
    case envelope::Fault::not_json:
      return Outcome::payload_not_json;
    case envelope::Fault::no_object:
      return Outcome::payload_not_object;
    case envelope::Fault::no_receiver:
    case envelope::Fault::no_ids:
    case envelope::Fault::unusable_id:
    case envelope::Fault::too_many_ids:
      break;
  }
  return Outcome::no_receiver;
}

/// The same words, which last as long as the process; empty: no outcome has these.
constexpr std::string_view why_named(std::string_view words) {
  for (const detail::Meaning& each : detail::kMeanings) {
    if (each.why == words) return each.why;
  }
  return {};
}

/// The reason, for the log; empty if the message was delivered.
constexpr std::string_view why(Outcome outcome) {
  return detail::kMeanings[static_cast<std::size_t>(outcome)].why;
}

}  // namespace crolang::broker
