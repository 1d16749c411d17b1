#include "broker/negotiation_notes.hpp"

#include <array>
#include <bit>
#include <new>
#include <optional>

#include "broker/negotiation_events.hpp"
#include "broker/receipts.hpp"

namespace crolang::broker {
namespace {

using negotiation::Change;
using negotiation::MessageKind;
using negotiation::Side;
using negotiation::State;
using telemetry::Counter;
using telemetry::Latency;

struct Meaning {
  MessageKind kind;
  Side from;
};

Meaning meaning_of(Relayed type) {
  switch (type) {
    case Relayed::connection_attempt:
      return {MessageKind::attempt, Side::initiator};
    case Relayed::connection_acceptance:
      return {MessageKind::acceptance, Side::responder};
    case Relayed::connection_refusal:
      return {MessageKind::refusal, Side::responder};
    case Relayed::incoming_connections_not_allowed:
      return {MessageKind::not_allowed, Side::responder};
    case Relayed::ice_initiator_to_responder:
      return {MessageKind::candidates, Side::initiator};
    case Relayed::ice_responder_to_initiator:
      return {MessageKind::candidates, Side::responder};
    case Relayed::socket_msg_exchange:  // is_noted says no
      break;
  }
  return {MessageKind::candidates, Side::initiator};
}

negotiation::Ack ack_of(Outcome outcome) {
  switch (status_of(outcome)) {
    case AckStatus::ok:
      return negotiation::Ack::ok;
    case AckStatus::unauthorized:
      return negotiation::Ack::unauthorized;
    case AckStatus::not_connected:
      return negotiation::Ack::not_connected;
    case AckStatus::error:
    case AckStatus::disabled:
      break;
  }
  return negotiation::Ack::error;
}

std::optional<Counter> counter_of(State state) {
  switch (state) {
    case State::attempting:
      break;
    case State::answered:
      return Counter::negotiations_answered;
    case State::refused:
      return Counter::negotiations_refused;
    case State::not_allowed:
      return Counter::negotiations_not_allowed;
    case State::unanswered:
      return Counter::negotiations_unanswered;
    case State::not_connected:
      return Counter::negotiations_not_connected;
    case State::unauthorized:
      return Counter::negotiations_unauthorized;
    case State::failed:
      return Counter::negotiations_failed;
  }
  return std::nullopt;
}

constexpr std::array<Counter, negotiation::kCandidateTypes> kCandidateCounters{
    Counter::candidates_host, Counter::candidates_mdns, Counter::candidates_srflx,
    Counter::candidates_prflx, Counter::candidates_relay};

/// `counters`: of a worker, or those of all other threads.
template <class Counters>
void count(SharedState& shared, Counters& counters, const Change& change) {
  if (change.is_outcome) {
    if (const auto counter = counter_of(change.state)) counters.add(*counter);
  }
  if (change.initiator_is_local && change.state == State::answered && change.answered_after) {
    counters.observe(Latency::negotiation_answer, *change.answered_after);
  }
  if (shared.events.is_watched()) negotiation_events::changed(shared, change);
}

void fill(negotiation::Message& message, Relayed type, std::string_view from, std::string_view to,
          std::string_view session_id, session::TimePoint now) noexcept {
  const Meaning meaning = meaning_of(type);
  message.kind = meaning.kind;
  message.from = meaning.from;
  message.initiator = meaning.from == Side::initiator ? from : to;
  message.responder = meaning.from == Side::initiator ? to : from;
  message.session = session_id;
  message.at = now;
}

void add_candidates(negotiation::Message& message,
                    const envelope::NegotiationMembers& members) noexcept {
  negotiation::add_candidates(message.candidates, members.candidate);
  negotiation::add_candidates(message.candidates, members.description);
}

negotiation::Ticket note_from_elsewhere(SharedState& shared,
                                        const negotiation::Message& message) noexcept {
  const auto noted = shared.negotiations->note(message);
  if (noted.change) count(shared, shared.counters, *noted.change);
  return noted.ticket;
}

/// What a node of this instance has sent.
void count_sent(SharedState& shared, telemetry::WorkerCounters& counters,
                const negotiation::Message& message, const negotiation::Table::Noted& noted) {
  if (!noted.is_recorded) return;
  for (std::size_t i = 0; i < kCandidateCounters.size(); ++i) {
    const auto number = message.candidates.of(static_cast<negotiation::CandidateType>(i));
    if (number != 0) counters.add(kCandidateCounters[i], number);
  }
  if (noted.change) count(shared, counters, *noted.change);
}

negotiation::Acknowledged acknowledged(Outcome outcome) {
  return {ack_of(outcome), why(outcome)};
}

}  // namespace

void describe(negotiation::Message& message, const Node& sender, Relayed type,
              const envelope::Envelope& envelope, const envelope::NegotiationMembers& members,
              session::TimePoint now) noexcept {
  fill(message, type, sender.id(), envelope.to, members.session_id, now);
  add_candidates(message, members);
  message.servers = sender.ice_servers();
  message.sender_is_local = true;
}

negotiation::Ticket note_sent(SharedState& shared, telemetry::WorkerCounters& counters,
                              const negotiation::Message& message) noexcept {
  const auto noted = shared.negotiations->note(message);
  count_sent(shared, counters, message, noted);
  return noted.ticket;
}

void note_outcome(SharedState& shared, telemetry::WorkerCounters& counters, const Message& message,
                  Outcome outcome) noexcept {
  if (message.unnoted != nullptr) {
    const auto noted = shared.negotiations->note(*message.unnoted, acknowledged(outcome));
    count_sent(shared, counters, *message.unnoted, noted);
    return;
  }
  const auto change = shared.negotiations->acknowledge(message.ticket, acknowledged(outcome));
  if (change) count(shared, counters, *change);
}

modules::Redeemed redeem_noted(SharedState& shared, const modules::Receipt& receipt) {
  const modules::Redeemed how = redeem(receipt);
  const auto ticket = std::bit_cast<negotiation::Ticket>(receipt.note);
  if (how != modules::Redeemed::no && ticket.is_valid()) {
    // OK changes no state, so there is nothing to count.
    shared.negotiations->acknowledge(ticket, {negotiation::Ack::ok});
  }
  return how;
}

negotiation::Ticket note_received(SharedState& shared, Relayed type, const NegotiationNames& names,
                                  std::string_view receiver, session::TimePoint now) noexcept {
  negotiation::Message message;
  fill(message, type, names.from, receiver, names.session, now);
  message.is_copy = true;
  return note_from_elsewhere(shared, message);
}

negotiation::Ticket note_received(SharedState& shared, Relayed type, std::string_view literal,
                                  Kept kept, session::TimePoint now) noexcept {
  try {
    thread_local envelope::EnvelopeReader reader;
    envelope::NegotiationMembers members;
    const auto envelope = reader.read(literal, members);
    // Without its sender's id it cannot be told which negotiation it belongs to.
    if (!envelope || envelope->from_kind != envelope::Envelope::From::named) return {};
    negotiation::Message message;
    fill(message, type, envelope->from, envelope->to, members.session_id, now);
    message.is_copy = kept == Kept::as_copy;
    if (kept == Kept::whole) add_candidates(message, members);
    return note_from_elsewhere(shared, message);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

void note_received_outcome(SharedState& shared, negotiation::Ticket ticket,
                           Outcome outcome) noexcept {
  const auto change = shared.negotiations->acknowledge(ticket, acknowledged(outcome));
  if (change) count(shared, shared.counters, *change);
}

void sweep_negotiations(SharedState& shared, telemetry::WorkerCounters& counters,
                        session::TimePoint now) {
  for (const Change& change : shared.negotiations->sweep(now)) count(shared, counters, change);
}

}  // namespace crolang::broker
