#pragma once
/// Notes the messages of negotiations as they pass (NEGOTIATION_INSIGHT), and counts the outcomes.
/// A message to another instance is noted by both: by the relay of the one, and by the other when
/// it is delivered. Outcomes and candidates are counted by the instance of the node that began or
/// sent, so that the sum over a grid is right.
///
/// Threads: note_received… and redeem_noted on any, the others on the worker that owns `counters`.
/// Errors: none; what there is no memory for is not noted. sweep_negotiations: std::bad_alloc.

#include <string_view>

#include "broker/events.hpp"
#include "broker/node.hpp"
#include "broker/outcome.hpp"
#include "broker/queued_message.hpp"
#include "broker/shared_state.hpp"
#include "envelope/envelope.hpp"
#include "modules/receipt.hpp"
#include "negotiation/table.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::broker {

/// Whether messages of this type belong to negotiations, and these are noted.
// Hot: per message. All that ordinary messages cost.
inline bool is_noted(const SharedState& shared, Relayed type) {
  return type != Relayed::socket_msg_exchange && shared.negotiations.has_value();
}

/// Describes a message that is_noted, from a node of this instance, by views of what is given.
void describe(negotiation::Message& message, const Node& sender, Relayed type,
              const envelope::Envelope& envelope, const envelope::NegotiationMembers& members,
              session::TimePoint now) noexcept;
/// Notes it before it is known how it is acknowledged.
negotiation::Ticket note_sent(SharedState& shared, telemetry::WorkerCounters& counters,
                              const negotiation::Message& message) noexcept;
/// Of a message that belongs_to_negotiation; notes it now if it was not noted.
void note_outcome(SharedState& shared, telemetry::WorkerCounters& counters, const Message& message,
                  Outcome outcome) noexcept;

/// Redeems the receipt of a message that may have been noted, as receipts.hpp says.
modules::Redeemed redeem_noted(SharedState& shared, const modules::Receipt& receipt);

/// A message that is_noted, from another instance. `literal`: its payload.
negotiation::Ticket note_received(SharedState& shared, Relayed type, std::string_view literal,
                                  session::TimePoint now) noexcept;

void note_received_outcome(SharedState& shared, negotiation::Ticket ticket,
                           Outcome outcome) noexcept;

/// Call it when negotiation::Table::sweep_due has come.
void sweep_negotiations(SharedState& shared, telemetry::WorkerCounters& counters,
                        session::TimePoint now);

}  // namespace crolang::broker
