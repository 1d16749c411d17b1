#include "broker/node_events.hpp"

#include <exception>
#include <string>

namespace crolang::broker::node_events {

using session::EndReason;
using session::State;
using telemetry::EventHub;
using telemetry::EventKind;

void joined(EventHub& hub, const LoggedNode& node, const Identity& identity) noexcept try {
  using Field = Identity::Field;
  const std::string client = text_of(node.client);
  hub.publish(EventKind::joined, {{"node", node.id},
                                  {"client", std::string_view(client)},
                                  {"version", identity.field(Field::version).value_or("")},
                                  {"runtime", identity.field(Field::runtime).value_or("")}});
} catch (const std::exception&) {
}

void refused(EventHub& hub, const LoggedNode& node, std::string_view why,
             std::string_view reason) noexcept try {
  const std::string client = text_of(node.client);
  hub.publish(EventKind::refused, {{"node", node.id},
                                   {"client", std::string_view(client)},
                                   {"why", why},
                                   {"reason", reason},
                                   {"mayRetry", false}});
} catch (const std::exception&) {
}

void asked_to_retry(EventHub& hub, const LoggedNode& node, std::string_view why) noexcept try {
  const std::string client = text_of(node.client);
  hub.publish(EventKind::refused, {{"node", node.id},
                                   {"client", std::string_view(client)},
                                   {"why", why},
                                   {"reason", std::string_view()},
                                   {"mayRetry", true}});
} catch (const std::exception&) {
}

void left(EventHub& hub, const Node& node, const LoggedNode& logged, std::string_view why) noexcept
    try {
  if (node.state() != State::joined) return;
  const std::string client = text_of(logged.client);
  hub.publish(EventKind::left,
              {{"node", logged.id}, {"client", std::string_view(client)}, {"why", why}});
} catch (const std::exception&) {
}

void ended(EventHub& hub, const Node& node, const LoggedNode& logged,
           const session::End& end) noexcept try {
  left(hub, node, logged, session::describe(end));
} catch (const std::exception&) {
}

}  // namespace crolang::broker::node_events
