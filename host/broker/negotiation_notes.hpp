#pragma once
/// Notes the messages of negotiations as they pass (NEGOTIATION_INSIGHT), and counts the outcomes.
/// What a node sends is noted by its own instance. A message from another instance is noted where
/// it is delivered if it changes the state of the negotiation, or if its own instance has no record
/// of that; what else the other instance keeps is asked for when somebody wants to see it
/// (negotiation_halves.hpp). Outcomes and candidates are counted by the instance of the node that
/// began or sent, so that the sum over a grid is right.
///
/// Threads: note_received… and redeem_noted on any, the others on the worker that owns `counters`.
/// Errors: none; what there is no memory for is not noted. sweep_negotiations: std::bad_alloc.

#include <cstdint>
#include <string_view>

#include "broker/events.hpp"
#include "broker/node.hpp"
#include "broker/outcome.hpp"
#include "broker/queued_message.hpp"
#include "broker/remote_event.hpp"
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

/// Of a message that is_noted: then it is noted if it comes from another instance, too.
constexpr bool changes_state(Relayed type) {
  return type != Relayed::ice_initiator_to_responder && type != Relayed::ice_responder_to_initiator;
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

/// A message from another instance to `receiver` that changes_state, as a copy. `names`: as the
/// other instance tells them.
negotiation::Ticket note_received(SharedState& shared, Relayed type, const NegotiationNames& names,
                                  std::string_view receiver, session::TimePoint now) noexcept;

enum class Kept : std::uint8_t {
  as_copy,  ///< the sender's instance keeps it
  whole,    ///< it has no record of the negotiation
};
/// A message from another instance. `literal`: its payload.
negotiation::Ticket note_received(SharedState& shared, Relayed type, std::string_view literal,
                                  Kept kept, session::TimePoint now) noexcept;

void note_received_outcome(SharedState& shared, negotiation::Ticket ticket,
                           Outcome outcome) noexcept;

/// Call it when negotiation::Table::sweep_due has come.
void sweep_negotiations(SharedState& shared, telemetry::WorkerCounters& counters,
                        session::TimePoint now);

}  // namespace crolang::broker
