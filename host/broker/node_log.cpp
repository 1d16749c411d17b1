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

// Lines per second, for each reason. Hundreds of nodes may connect and disconnect at once; for
// messages a few lines suffice to see what is wrong.
constexpr std::uint32_t kNodes = 100;
constexpr std::uint32_t kMessages = 10;

bool is_quiet() {
  return !log::enabled(log::Level::connections);
}

std::string_view why(PresenceFault fault) {
  switch (fault) {
    case PresenceFault::no_payload:
      return "the event has no payload";
    case PresenceFault::payload_not_string:
      return "the payload is not a string: nodes send JSON.stringify(query)";
    case PresenceFault::payload_not_json:
      return "the payload is not JSON";
    case PresenceFault::payload_not_object:
      return "the payload is not a JSON object";
    case PresenceFault::no_ids:
      return "the payload has no list \"ids\"";
    case PresenceFault::unusable_id:
      return "an id is blank or not a string";
    case PresenceFault::too_many_ids:
      return "more than MAX_PRESENCE_IDS ids";
    case PresenceFault::registry_unavailable:
      return "the registry is not available";
    case PresenceFault::authorization_unavailable:
      return "authorization is not available";
    case PresenceFault::asker_behind:
      return "the node does not read its answers";
    case PresenceFault::no_ack_requested:
      return "it requests no acknowledgement, which would carry the answer";
  }
  return {};
}

/// The log text for the end of a node; empty if it was already logged.
std::string_view message_of(const Node& node, EndReason reason) {
  if (reason == EndReason::asked_to_retry || reason == EndReason::already_reported) return {};
  switch (node.state()) {
    case State::joined:
      break;
    case State::waiting:
      if (node.token() != 0) return "node disconnected before it joined";
      // The refusal or the departure was logged. Only protocol violations are logged in addition.
      if (reason < EndReason::websocket_violation || reason > EndReason::socketio_violation) {
        return {};
      }
      return "connection of a refused or departed node ended";
    case State::admitting:
    case State::readmitting:
    case State::joining:
    case State::closing:
      return "node disconnected before it joined";
  }
  const bool expelled = reason == EndReason::invalid_node || reason == EndReason::lost_id ||
                        reason == EndReason::yielded || reason == EndReason::operator_disconnect ||
                        reason == EndReason::id_refused;
  return expelled ? "node disconnected permanently" : "node disconnected";
}

}  // namespace

void refused(const LoggedNode& node, Refusal refusal, std::string_view reason, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<Refusal> throttles{kNodes};
  const auto suppressed = throttles.admit(refusal, now);
  if (!suppressed) return;
  if (reason.empty()) {
    log::connection("node refused", {{"node", node.id},
                                     {"why", text_of(refusal)},
                                     {"client", text_of(node.client)},
                                     {"suppressed", *suppressed}});
    return;
  }
  log::connection("node refused", {{"node", node.id},
                                   {"why", text_of(refusal)},
                                   {"reason", reason},
                                   {"client", text_of(node.client)},
                                   {"suppressed", *suppressed}});
}

void foreign_namespace(const LoggedNode& node, std::string_view name_space, TimePoint now) {
  if (is_quiet()) return;
  static Throttle throttle{kNodes};
  if (const auto suppressed = throttle.admit(now)) {
    // Some clients append a query with their credentials.
    const std::string_view name = name_space.substr(0, name_space.find('?'));
    log::connection("node refused",
                    {{"node", node.id},
                     {"why", "Invalid namespace"},
                     {"reason", "it connects to " + std::string(name.substr(0, 64)) +
                                    ", but / is the only namespace"},
                     {"client", text_of(node.client)},
                     {"suppressed", *suppressed}});
  }
}

void asked_to_retry(const LoggedNode& node, TemporaryFailure failure, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<TemporaryFailure> throttles{kNodes};
  if (const auto suppressed = throttles.admit(failure, now)) {
    log::connection("node asked to retry", {{"node", node.id},
                                            {"why", text_of(failure)},
                                            {"client", text_of(node.client)},
                                            {"suppressed", *suppressed}});
  }
}

void not_relayed(Relayed type, std::string_view from, std::string_view to, Outcome outcome,
                 std::string_view reason, TimePoint now) {
  if (is_quiet()) return;
  static Throttles<Outcome> throttles{kMessages};
  const auto suppressed = throttles.admit(outcome, now);
  if (!suppressed) return;
  if (reason.empty()) {
    log::connection("message not relayed", {{"event", name_of(type)},
                                            {"from", from},
                                            {"to", to},
                                            {"ack", name_of(status_of(outcome))},
                                            {"why", broker::why(outcome)},
                                            {"suppressed", *suppressed}});
    return;
  }
  log::connection("message not relayed", {{"event", name_of(type)},
                                          {"from", from},
                                          {"to", to},
                                          {"ack", name_of(status_of(outcome))},
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
      return PresenceFault::payload_not_object;
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
  static Throttles<PresenceFault> throttles{kMessages};
  if (const auto suppressed = throttles.admit(fault, now)) {
    log::connection(
        "presence query not answered",
        {{"node", node},
         {"ack", fault == PresenceFault::no_ack_requested ? "none" : name_of(AckStatus::error)},
         {"why", why(fault)},
         {"suppressed", *suppressed}});
  }
}

void left(const LoggedNode& node, TimePoint now) {
  if (is_quiet()) return;
  static Throttle throttle{kNodes};
  if (const auto suppressed = throttle.admit(now)) {
    log::connection("node left", {{"node", node.id},
                                  {"why", "it sent DISCONNECT"},
                                  {"client", text_of(node.client)},
                                  {"suppressed", *suppressed}});
  }
}

void ended(const Node& node, const client_address::Address& client, const session::End& end,
           TimePoint now) noexcept try {
  if (is_quiet()) return;
  const std::string_view message = message_of(node, end.reason);
  if (message.empty()) return;
  static Throttles<EndReason> throttles{kNodes};
  if (const auto suppressed = throttles.admit(end.reason, now)) {
    log::connection(message, {{"node", node.id()},
                              {"why", session::describe(end)},
                              {"client", text_of(client)},
                              {"suppressed", *suppressed}});
  }
} catch (const std::bad_alloc&) {
  // The session ends even if this cannot be logged.
}

}  // namespace crolang::broker::node_log
