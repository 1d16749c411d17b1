#include "broker/node_log.hpp"

#include <new>
#include <string>

#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::broker::node_log {

using session::EndReason;
using session::State;
using telemetry::Throttle;
using telemetry::Throttles;
namespace log = telemetry::log;

namespace {

// Lines in a second, for each reason. Nodes come and go in hundreds; of messages a few are enough
// to see what is wrong.
constexpr std::uint32_t kNodes = 100;
constexpr std::uint32_t kMessages = 10;

constexpr std::size_t kRefusals = 6;
constexpr std::size_t kTroubles = 7;
constexpr std::size_t kPresenceFaults = 10;

bool is_quiet() {
  return !log::enabled(log::Level::connections);
}

std::string_view ack_of(Outcome outcome) {
  switch (status_of(outcome)) {
    case socketio::AckStatus::ok:
      return "OK";
    case socketio::AckStatus::error:
      return "ERROR";
    case socketio::AckStatus::unauthorized:
      return "UNAUTHORIZED";
    case socketio::AckStatus::not_connected:
      return "NOT_CONNECTED";
    case socketio::AckStatus::disabled:
      return "DISABLED";
  }
  return {};
}

std::string_view why(PresenceFault fault) {
  switch (fault) {
    case PresenceFault::no_payload:
      return "the event has no payload";
    case PresenceFault::payload_no_string:
      return "the payload is no string: a node sends JSON.stringify(question)";
    case PresenceFault::payload_not_json:
      return "the payload is not JSON";
    case PresenceFault::payload_no_object:
      return "the payload is no JSON object";
    case PresenceFault::no_ids:
      return "the payload has no \"ids\" that is a list";
    case PresenceFault::unusable_id:
      return "one of the ids is blank or no string";
    case PresenceFault::too_many_ids:
      return "more than MAX_PRESENCE_IDS ids";
    case PresenceFault::registry_unavailable:
      return "the registry is not available";
    case PresenceFault::asker_behind:
      return "the node does not read its answers";
    case PresenceFault::unheard:
      return "it asks for no acknowledgement, by which it would be answered";
  }
  return {};
}

/// What is said of an end; nothing if that was said before.
std::string_view message_of(const session::Session& session, EndReason reason) {
  if (reason == EndReason::asked_to_retry) return {};
  switch (session.state()) {
    case State::joined:
      break;
    case State::waiting:
      if (session.token() != 0) return "node gone before it joined";
      // It was refused, or has left; so only what it does beside that.
      if (reason < EndReason::websocket_violation || reason > EndReason::socketio_violation) {
        return {};
      }
      return "connection of a refused or departed node ended";
    default:
      return "node gone before it joined";
  }
  const bool expelled = reason == EndReason::invalid_node || reason == EndReason::lost_id ||
                        reason == EndReason::yielded;
  return expelled ? "node expelled" : "node gone";
}

}  // namespace

void refused(std::string_view node, Refusal refusal, std::string_view reason, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<Refusal, kRefusals> throttles{kNodes};
  const auto suppressed = throttles.admit(refusal, now);
  if (!suppressed) return;
  if (reason.empty()) {
    log::connection("node refused",
                    {{"node", node}, {"why", text_of(refusal)}, {"suppressed", *suppressed}});
    return;
  }
  log::connection(
      "node refused",
      {{"node", node}, {"why", text_of(refusal)}, {"reason", reason}, {"suppressed", *suppressed}});
}

void foreign_namespace(std::string_view node, std::string_view name_space, TimePoint now) {
  if (is_quiet()) return;
  static Throttle throttle{kNodes};
  if (const auto suppressed = throttle.admit(now)) {
    // Some clients put a query behind it, and into that what they authenticate with.
    const std::string_view name = name_space.substr(0, name_space.find('?'));
    log::connection(
        "node refused",
        {{"node", node},
         {"why", "Invalid namespace"},
         {"reason", "it connects to " + std::string(name.substr(0, 64)) + ", there is only /"},
         {"suppressed", *suppressed}});
  }
}

void told_to_come_again(std::string_view node, Trouble trouble, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<Trouble, kTroubles> throttles{kNodes};
  if (const auto suppressed = throttles.admit(trouble, now)) {
    log::connection("node told to come again",
                    {{"node", node}, {"why", text_of(trouble)}, {"suppressed", *suppressed}});
  }
}

void not_relayed(Relayed type, std::string_view from, std::string_view to, Outcome outcome,
                 std::string_view reason, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<Outcome, kOutcomes> throttles{kMessages};
  const auto suppressed = throttles.admit(outcome, now);
  if (!suppressed) return;
  if (reason.empty()) {
    log::connection("message not relayed", {{"event", name_of(type)},
                                            {"from", from},
                                            {"to", to},
                                            {"ack", ack_of(outcome)},
                                            {"why", broker::why(outcome)},
                                            {"suppressed", *suppressed}});
    return;
  }
  log::connection("message not relayed", {{"event", name_of(type)},
                                          {"from", from},
                                          {"to", to},
                                          {"ack", ack_of(outcome)},
                                          {"why", broker::why(outcome)},
                                          {"reason", reason},
                                          {"suppressed", *suppressed}});
}

void unknown_event(std::string_view node, std::string_view event, TimePoint now) {
  if (is_quiet()) return;
  constexpr std::size_t kShown = 64;
  static Throttle throttle{kMessages};
  if (const auto suppressed = throttle.admit(now)) {
    log::connection(
        "unknown event ignored",
        {{"node", node}, {"event", event.substr(0, kShown)}, {"suppressed", *suppressed}});
  }
}

PresenceFault presence_fault(envelope::Fault fault) {
  switch (fault) {
    case envelope::Fault::not_json:
      return PresenceFault::payload_not_json;
    case envelope::Fault::no_object:
      return PresenceFault::payload_no_object;
    case envelope::Fault::unusable_id:
      return PresenceFault::unusable_id;
    case envelope::Fault::too_many_ids:
      return PresenceFault::too_many_ids;
    case envelope::Fault::no_receiver:
    case envelope::Fault::no_ids:
      break;
  }
  return PresenceFault::no_ids;
}

void presence_refused(std::string_view node, PresenceFault fault, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<PresenceFault, kPresenceFaults> throttles{kMessages};
  if (const auto suppressed = throttles.admit(fault, now)) {
    log::connection("presence question not answered",
                    {{"node", node},
                     {"ack", fault == PresenceFault::unheard ? "none" : "ERROR"},
                     {"why", why(fault)},
                     {"suppressed", *suppressed}});
  }
}

void left(std::string_view node, TimePoint now) {
  if (is_quiet()) return;
  static Throttle throttle{kNodes};
  if (const auto suppressed = throttle.admit(now)) {
    log::connection("node left",
                    {{"node", node}, {"why", "it sent DISCONNECT"}, {"suppressed", *suppressed}});
  }
}

void ended(const session::Session& session, const session::End& end, TimePoint now) noexcept try {
  if (is_quiet()) return;
  const std::string_view message = message_of(session, end.reason);
  if (message.empty()) return;
  static Throttles<EndReason, session::kEndReasons> throttles{kNodes};
  if (const auto suppressed = throttles.admit(end.reason, now)) {
    log::connection(
        message,
        {{"node", session.id()}, {"why", session::describe(end)}, {"suppressed", *suppressed}});
  }
} catch (const std::bad_alloc&) {
  // The end itself must go on.
}

}  // namespace crolang::broker::node_log
