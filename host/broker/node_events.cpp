#include "broker/node_events.hpp"

#include <exception>
#include <string>

namespace crolang::broker::node_events {

using session::State;
using telemetry::EventHub;
using telemetry::EventKind;

namespace {

enum class Retry : bool { never, later };

void publish_refused(EventHub& hub, const LoggedNode& node, std::string_view reason, Retry retry) {
  const std::string address = text_of(node.client);
  hub.publish(EventKind::refused, {{"id", node.id},
                                   {"address", std::string_view(address)},
                                   {"reason", reason},
                                   {"mayRetry", retry == Retry::later}});
}

}  // namespace

void joined(EventHub& hub, const LoggedNode& node, const Identity& identity) noexcept try {
  using Field = Identity::Field;
  const std::string address = text_of(node.client);
  hub.publish(EventKind::joined, {{"id", node.id},
                                  {"address", std::string_view(address)},
                                  {"version", identity.field(Field::version).value_or("")},
                                  {"runtime", identity.field(Field::runtime).value_or("")}});
} catch (const std::exception&) {
}

void refused(EventHub& hub, const LoggedNode& node, std::string_view why,
             std::string_view reason) noexcept try {
  std::string text(why);
  if (!reason.empty()) text.append(": ").append(reason);
  publish_refused(hub, node, text, Retry::never);
} catch (const std::exception&) {
}

void asked_to_retry(EventHub& hub, const LoggedNode& node, std::string_view why) noexcept try {
  publish_refused(hub, node, why, Retry::later);
} catch (const std::exception&) {
}

void left(EventHub& hub, const Node& node, const LoggedNode& logged,
          std::string_view reason) noexcept try {
  if (node.state() != State::joined) return;
  const std::string address = text_of(logged.client);
  hub.publish(EventKind::left,
              {{"id", logged.id}, {"address", std::string_view(address)}, {"reason", reason}});
} catch (const std::exception&) {
}

void ended(EventHub& hub, const Node& node, const LoggedNode& logged,
           const session::End& end) noexcept try {
  left(hub, node, logged, session::describe(end));
} catch (const std::exception&) {
}

}  // namespace crolang::broker::node_events
