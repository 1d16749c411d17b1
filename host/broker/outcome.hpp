#pragma once
/// What becomes of a message: its acknowledgement, and for the log why.
/// Threads: values. Errors: none.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "socketio/writer.hpp"

namespace crolang::broker {

enum class Outcome : std::uint8_t {
  delivered,
  p2p_disabled,
  relay_disabled,
  no_payload,
  payload_no_string,
  payload_not_json,
  payload_no_object,
  no_receiver,
  forged_sender,
  sender_no_string,
  unauthorized,  ///< says whom the broker asked
  authorization_unavailable,
  backlog_full,          ///< too much of the sender's waits for answers
  outbox_full,           ///< the receiver is too far behind
  registry_unavailable,  ///< so nobody knows where the receiver is
  not_taken,             ///< the receiver's instance could not take it, or did not answer
  impossible_receiver,   ///< no node can have such an id
  not_connected,
  overtaken,  ///< a later one has reached the receiver
};
inline constexpr std::size_t kOutcomes = 19;

namespace detail {

struct Meaning {
  socketio::AckStatus status;
  std::string_view why;
};
using socketio::AckStatus;
inline constexpr std::array<Meaning, kOutcomes> kMeanings{{
    {AckStatus::ok, {}},
    {AckStatus::disabled, "P2P_CONNECTION_ENABLED is false"},
    {AckStatus::disabled, "WEBSOCKET_RELAY_ENABLED is false"},
    {AckStatus::error, "the event has no payload"},
    {AckStatus::error, "the payload is no string: a node sends JSON.stringify(message)"},
    {AckStatus::error, "the payload is not JSON"},
    {AckStatus::error, "the payload is no JSON object"},
    {AckStatus::error, "the payload has no \"to\" that is a string and names a node"},
    {AckStatus::unauthorized, "\"from\" is not the sender's id"},
    {AckStatus::unauthorized, "\"from\" is no string"},
    {AckStatus::unauthorized, "the sender may not send to this node"},
    {AckStatus::error, "the authorization is not available"},
    {AckStatus::error, "more than MAX_OUTBOX_BYTES of the sender wait for answers"},
    {AckStatus::error, "the receiver's outbox is full: MAX_OUTBOX_BYTES"},
    {AckStatus::error, "the registry is not available"},
    {AckStatus::error, "the receiver's broker could not take it, or did not answer"},
    {AckStatus::not_connected, "no node can have this id"},
    {AckStatus::not_connected, "no such node is connected"},
    {AckStatus::not_connected, "a later message has reached the receiver"},
}};

}  // namespace detail

// Hot: per message.
constexpr socketio::AckStatus status_of(Outcome outcome) {
  return detail::kMeanings[static_cast<std::size_t>(outcome)].status;
}

/// For the log; empty if it was delivered.
constexpr std::string_view why(Outcome outcome) {
  return detail::kMeanings[static_cast<std::size_t>(outcome)].why;
}

}  // namespace crolang::broker
