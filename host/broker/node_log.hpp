#pragma once
/// Logs what happens to nodes at LOG_LEVEL 1: which are refused and why, which of their messages
/// are not acknowledged with OK, and how they end. Nodes can trigger these lines at will, so each
/// reason has its own rate limit: a flood for one reason does not hide the first line for another.
///
/// `reason` is the module's explanation of its "no", if any. Credentials and payloads are never
/// passed to these functions.
///
/// Threads: any. Errors: std::bad_alloc, except from `ended`. Time is an argument.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/events.hpp"
#include "broker/node.hpp"
#include "broker/outcome.hpp"
#include "client_address/address.hpp"
#include "envelope/envelope.hpp"

namespace crolang::broker::node_log {

using session::TimePoint;

/// A node as log lines name it.
struct LoggedNode {
  std::string_view id;
  client_address::Address client;
};

void refused(const LoggedNode& node, Refusal refusal, std::string_view reason, TimePoint now);
void foreign_namespace(const LoggedNode& node, std::string_view name_space, TimePoint now);
void asked_to_retry(const LoggedNode& node, TemporaryFailure failure, TimePoint now);

/// A relayed message that is acknowledged with ERROR, UNAUTHORIZED or DISABLED. `to` is empty if
/// unknown.
void not_relayed(Relayed type, std::string_view from, std::string_view to, Outcome outcome,
                 std::string_view reason, TimePoint now);
void unknown_event(std::string_view node, std::string_view event, TimePoint now);

/// Why a presence query is answered ERROR, or not at all. Queries over the limit are logged
/// elsewhere.
enum class PresenceFault : std::uint8_t {
  no_payload,
  payload_not_string,
  payload_not_json,
  payload_not_object,
  no_ids,
  unusable_id,
  too_many_ids,
  registry_unavailable,
  authorization_unavailable,
  asker_behind,
  no_ack_requested,  ///< so there is no answer at all
};
PresenceFault presence_fault(envelope::Fault fault);
void presence_refused(std::string_view node, PresenceFault fault, TimePoint now);

/// The node sent DISCONNECT; its connection stays open.
void left(const LoggedNode& node, TimePoint now);
/// Called before the session is closing. Nothing is logged for a node that was refused or has left
/// and then closes its connection.
void ended(const Node& node, const client_address::Address& client, const session::End& end,
           TimePoint now) noexcept;

}  // namespace crolang::broker::node_log
