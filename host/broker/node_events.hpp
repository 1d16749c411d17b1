#pragma once
/// What happens to nodes, for the event stream of the admin interface. To be called while it is
/// watched only, since the fields have to be built. Threads: any. Errors: none; an event for which
/// there is no memory is lost.

#include <string_view>

#include "broker/identity.hpp"
#include "broker/node.hpp"
#include "broker/node_log.hpp"
#include "session/end.hpp"
#include "telemetry/event_hub.hpp"

namespace crolang::broker::node_events {

using node_log::LoggedNode;

void joined(telemetry::EventHub& hub, const LoggedNode& node, const Identity& identity) noexcept;
void refused(telemetry::EventHub& hub, const LoggedNode& node, std::string_view why,
             std::string_view reason) noexcept;
/// The node was not refused for good: it gets 503.
void asked_to_retry(telemetry::EventHub& hub, const LoggedNode& node,
                    std::string_view why) noexcept;
/// Nothing is published for a node that has not joined.
void left(telemetry::EventHub& hub, const Node& node, const LoggedNode& logged,
          std::string_view reason) noexcept;
void ended(telemetry::EventHub& hub, const Node& node, const LoggedNode& logged,
           const session::End& end) noexcept;

}  // namespace crolang::broker::node_events
