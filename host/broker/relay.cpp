#include "broker/relay.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "broker/node_id.hpp"
#include "broker/node_log.hpp"
#include "socketio/writer.hpp"
#include "telemetry/log.hpp"
#include "websocket/frame_writer.hpp"

namespace crolang::broker {

using session::Session;
using socketio::AckStatus;
using telemetry::Counter;
using Stage = Parcel::Stage;
namespace log = telemetry::log;

namespace {

// What a question is about, as its tag: a parcel at the gate, or in the lane of this number.
constexpr std::uint32_t kGate = 0;

std::uint64_t tag_of(std::uint32_t lane, std::uint32_t parcel) {
  return std::uint64_t{lane} << 32 | parcel;
}

Outcome verdict_of(const modules::Answer& authorization) {
  if (!authorization.could_ask()) return Outcome::authorization_unavailable;
  return authorization.yes ? Outcome::delivered : Outcome::unauthorized;
}

Outcome outcome_of(envelope::Fault fault) {
  switch (fault) {
    case envelope::Fault::not_json:
      return Outcome::payload_not_json;
    case envelope::Fault::no_object:
      return Outcome::payload_no_object;
    default:
      return Outcome::no_receiver;
  }
}

}  // namespace

Lane* Relay::Backlog::lane_to(std::string_view receiver) {
  const auto found = std::ranges::find(lanes, receiver, &Lane::receiver);
  return found == lanes.end() ? nullptr : &*found;
}

Lane* Relay::Backlog::lane(std::uint32_t number) {
  const auto found = std::ranges::find(lanes, number, &Lane::number);
  return found == lanes.end() ? nullptr : &*found;
}

Relay::Backlog* Relay::backlog_of(const Session& sender) {
  return sender.has_waiting() ? &backlogs_.at(sender.handle().slot) : nullptr;
}

bool Relay::enabled(Relayed type) const {
  return type == Relayed::socket_msg_exchange ? grid_.policy.relay_enabled
                                              : grid_.policy.p2p_enabled;
}

bool Relay::needs_authorization(Relayed type) const {
  return grid_.policy.authorization_scope == Policy::Scope::every_message ||
         type == Relayed::connection_attempt || type == Relayed::socket_msg_exchange;
}

bool Relay::may_send(const Session& sender, const envelope::Envelope& envelope) const {
  return envelope.from_kind == envelope::Envelope::From::absent ||
         (envelope.from_kind == envelope::Envelope::From::named && envelope.from == sender.id());
}

void Relay::on_event(Session& sender, Relayed type, const socketio::Packet& packet) {
  if (!enabled(type)) {
    refuse(sender, type, packet.ack,
           type == Relayed::socket_msg_exchange ? Outcome::relay_disabled : Outcome::p2p_disabled);
    return;
  }
  // An event of more arguments than the payload is none that nodes send, but the payload is all the
  // same the first.
  if (packet.event.argument_count == 0 || packet.event.first_kind != json::Kind::string) {
    refuse(sender, type, packet.ack,
           packet.event.argument_count == 0 ? Outcome::no_payload : Outcome::payload_no_string);
    return;
  }
  const auto envelope = reader_.read(packet.event.first_argument);
  if (!envelope) {
    refuse(sender, type, packet.ack, outcome_of(envelope.error()));
    return;
  }
  if (!may_send(sender, *envelope)) {
    refuse(sender, type, packet.ack,
           envelope->from_kind == envelope::Envelope::From::named ? Outcome::forged_sender
                                                                  : Outcome::sender_no_string,
           envelope->to);
    return;
  }
  const Message message{type, packet.ack, envelope->to, packet.event.first_argument};
  // Nobody is asked about it, and no observer told.
  if (!can_exist(message.to, grid_.policy.max_node_id_bytes)) {
    acknowledge(sender, message, Outcome::impossible_receiver);
    return;
  }
  const std::uint32_t number = ++last_parcel_;
  const Backlog* backlog = backlog_of(sender);
  if (backlog != nullptr && backlog->is_closed()) {
    enqueue(sender, message, number, Stage::arrived);
    return;
  }
  const auto verdict = authorize(sender, message, number);
  if (!verdict) {
    enqueue(sender, message, number, Stage::asked);
  } else if (*verdict != Outcome::delivered) {
    finish(sender, message, *verdict);
  } else if (!deliver_here(sender, message)) {
    enqueue(sender, message, number, Stage::cleared);
  }
}

std::optional<Outcome> Relay::authorize(Session& sender, const Message& message,
                                        std::uint32_t number) {
  if (!needs_authorization(message.type)) return Outcome::delivered;
  const modules::Waiter waiter{this, sender.handle(), tag_of(kGate, number)};
  const modules::Answer* answer = clients_.authorize(waiter, sender.id(), message.to);
  if (answer == nullptr) return std::nullopt;
  return judge(sender, message, *answer);
}

Outcome Relay::judge(const Session& sender, const Message& message,
                     const modules::Answer& authorization) const {
  const Outcome verdict = verdict_of(authorization);
  if (verdict == Outcome::unauthorized) {
    // Now, as the reason is not kept until the message's turn has come.
    node_log::not_relayed(message.type, sender.id(), message.to, verdict, authorization.error,
                          now_);
  }
  return verdict;
}

void Relay::refuse(Session& sender, Relayed type, const socketio::AckId& ack, Outcome outcome,
                   std::string_view to) {
  sender.ack(bench_, ack, status_of(outcome));
  node_log::not_relayed(type, sender.id(), to, outcome, {}, now_);
}

bool Relay::deliver_here(Session& sender, const Message& message) {
  Backlog* backlog = backlog_of(sender);
  if (backlog != nullptr && backlog->lane_to(message.to) != nullptr) return false;
  const auto here = grid_.directory.find(message.to);
  if (!here) return false;
  finish(sender, message, deliver(message, *here));
  return true;
}

Outcome Relay::deliver(const Message& message, const Joined& receiver) {
  const std::string_view name = name_of(message.type);
  const std::size_t size = socketio::event_size(name, message.literal);
  session::Outlet* outlet = grid_.outlets.find(receiver.session);
  session::Pushed pushed = session::Pushed::gone;
  if (outlet != nullptr) {
    pushed = outlet->push(receiver.session.generation, websocket::header_size(size) + size,
                          grid_.policy.max_outbox_bytes, bench_.dirty, [&](char* out) {
                            out += websocket::write_header(out, websocket::Opcode::text, size);
                            socketio::write_event(out, name, message.literal);
                          });
  }
  switch (pushed) {
    case session::Pushed::taken:
      bench_.counters.add(Counter::relayed_local);
      return Outcome::delivered;
    case session::Pushed::full:
      bench_.counters.add(Counter::outbox_full);
      return Outcome::outbox_full;
    case session::Pushed::gone:
      break;
  }
  return Outcome::not_connected;
}

void Relay::finish(Session& sender, const Message& message, Outcome outcome, Ack ack) {
  acknowledge(sender, message, outcome, ack);
  const AckStatus status = status_of(outcome);
  const bool authorized = status == AckStatus::ok || status == AckStatus::not_connected;
  if (authorized && message.type == Relayed::socket_msg_exchange) {
    clients_.observe(sender.id(), message.to, status == AckStatus::ok);
  }
}

void Relay::acknowledge(Session& sender, const Message& message, Outcome outcome, Ack ack) {
  const AckStatus status = status_of(outcome);
  if (ack == Ack::owed) sender.ack(bench_, message.ack, status);
  // What is unauthorized was logged when it was judged.
  if (status == AckStatus::error) {
    node_log::not_relayed(message.type, sender.id(), message.to, outcome, {}, now_);
  }
  if (!log::enabled(log::Level::relays)) return;
  constexpr std::string_view kStatus[] = {"OK", "ERROR", "UNAUTHORIZED", "NOT_CONNECTED",
                                          "DISABLED"};
  const std::string_view name = kStatus[static_cast<std::size_t>(status)];
  if (status == AckStatus::ok) {
    log::relay("message", {{"event", name_of(message.type)},
                           {"from", sender.id()},
                           {"to", message.to},
                           {"bytes", message.literal.size()},
                           {"ack", name}});
  } else {
    log::relay("message", {{"event", name_of(message.type)},
                           {"from", sender.id()},
                           {"to", message.to},
                           {"bytes", message.literal.size()},
                           {"ack", name},
                           {"why", why(outcome)}});
  }
}

void Relay::enqueue(Session& sender, const Message& message, std::uint32_t number, Stage stage) {
  const Backlog* known = backlog_of(sender);
  const std::size_t waiting = known == nullptr ? 0 : known->bytes;
  const std::size_t bytes = Parcel::bytes(message);
  if (waiting + bytes > grid_.policy.max_outbox_bytes) {
    finish(sender, message, Outcome::backlog_full);
    return;
  }
  if (known != nullptr) sender.outlet().revoke_receipt();
  Backlog& backlog = backlogs_[sender.handle().slot];
  backlog.session = sender.handle();
  sender.set_waiting(true);
  backlog.gate.emplace_back(number, message, stage);
  backlog.bytes += bytes;
  open_gate(sender, backlog);
  remove_if_empty(sender, backlog);
}

void Relay::open_gate(Session& sender, Backlog& backlog) {
  ask_ahead(sender, backlog);
  while (!backlog.gate.empty() && backlog.lanes.size() < kMaxLanes) {
    const Parcel& front = backlog.gate.front();
    if (front.stage == Stage::arrived || front.stage == Stage::asked) return;
    if (front.stage == Stage::cleared && !deliver_here(sender, front.message())) {
      carry(sender, backlog);
    } else {
      if (front.stage == Stage::settled) finish(sender, front.message(), front.outcome);
      backlog.bytes -= front.bytes();
      backlog.gate.pop_front();
    }
    ask_ahead(sender, backlog);
  }
}

void Relay::ask_ahead(Session& sender, Backlog& backlog) {
  for (Parcel& parcel : Head(backlog.gate, kMaxOpenQuestions)) {
    if (parcel.stage != Stage::arrived) continue;
    parcel.stage = Stage::asked;
    if (const auto verdict = authorize(sender, parcel.message(), parcel.number)) {
      parcel.decide(*verdict);
    }
  }
}

void Relay::on_authorization(const Session& sender, Backlog& backlog, std::uint32_t number,
                             const modules::Answer& answer) {
  for (Parcel& parcel : Head(backlog.gate, kMaxOpenQuestions)) {
    if (parcel.number == number) parcel.decide(judge(sender, parcel.message(), answer));
  }
}

void Relay::remove_if_empty(Session& sender, Backlog& backlog) {
  if (!backlog.gate.empty() || !backlog.lanes.empty()) return;
  sender.set_waiting(false);
  backlogs_.erase(sender.handle().slot);
}

void Relay::carry(Session& sender, Backlog& backlog) {
  const std::string_view to = backlog.gate.front().to;
  Lane* lane = backlog.lane_to(to);
  if (lane == nullptr) {
    if (++last_lane_ == kGate) ++last_lane_;
    lane = &backlog.lanes.emplace_back(last_lane_, to, locations_.find(to, now_));
  }
  lane->append(backlog.gate);
  advance(sender, backlog, *lane);
}

void Relay::advance(Session& sender, Backlog& backlog, Lane& lane) {
  while (true) {
    const auto [step, parcel] = lane.next();
    switch (step) {
      case Lane::Step::wait:
        return;
      case Lane::Step::finish:
        finish(sender, parcel->message(), parcel->outcome,
               parcel->receipted ? Ack::given : Ack::owed);
        backlog.bytes -= parcel->bytes();
        lane.remove_front();
        break;
      case Lane::Step::hand_over:
        hand_over(sender, backlog, lane, *parcel);
        break;
      case Lane::Step::locate:
        locate(sender, lane);
        break;
      case Lane::Step::close:
        backlog.lanes.erase(backlog.lanes.begin() + (&lane - backlog.lanes.data()));
        return;
    }
  }
}

void Relay::hand_over(Session& sender, const Backlog& backlog, Lane& lane, Parcel& parcel) {
  lane.begin_hand_over(parcel);
  const modules::Holder& holder = *lane.holder();
  const modules::Waiter waiter{this, sender.handle(), tag_of(lane.number(), parcel.number)};
  const modules::Answer* answer =
      clients_.send(waiter, holder.instance, {lane.receiver(), holder.token}, parcel.event,
                    issue_receipt(sender, backlog, parcel));
  if (answer != nullptr) on_handed_over(lane, parcel, *answer);
}

modules::Receipt Relay::issue_receipt(Session& sender, const Backlog& backlog,
                                      const Parcel& parcel) const {
  const bool is_all =
      backlog.gate.empty() && backlog.lanes.size() == 1 && backlog.lanes.front().has_one_parcel();
  // Whoever is told of it is told by the worker.
  const bool observed =
      parcel.type == Relayed::socket_msg_exchange && !grid_.modules.observers.empty();
  if (!is_all || observed || log::enabled(log::Level::relays)) return modules::kNoReceipt;
  modules::Receipt receipt;
  receipt.outlet = &sender.outlet();
  receipt.generation = sender.handle().generation;
  receipt.number = sender.outlet().issue_receipt();
  if (!parcel.ack.present()) return receipt;
  const std::size_t size = socketio::ack_size(parcel.ack, AckStatus::ok);
  receipt.size = static_cast<std::uint8_t>(websocket::header_size(size) + size);
  char* out = receipt.bytes.data();
  out += websocket::write_header(out, websocket::Opcode::text, size);
  socketio::write_ack(out, parcel.ack, AckStatus::ok);
  return receipt;
}

// A message that was taken is counted as relayed where it is delivered.
void Relay::on_handed_over(Lane& lane, Parcel& parcel, const modules::Answer& answer) {
  const bool taken = answer.could_ask() && answer.yes;
  parcel.receipted = answer.receipted;
  if (const auto& holder = lane.holder()) {
    if (taken) {
      locations_.keep(lane.receiver(), *holder, now_);
    } else {
      locations_.drop(lane.receiver(), holder->token);
    }
  }
  // Without an answer it may have been taken all the same: it is never sent again.
  lane.end_hand_over(parcel, taken                ? Lane::HandOver::taken
                             : answer.could_ask() ? Lane::HandOver::refused
                                                  : Lane::HandOver::unknown);
}

void Relay::locate(Session& sender, Lane& lane) {
  if (deliver_here(lane)) return;
  lane.begin_lookup();
  const std::string_view id = lane.receiver();
  const modules::Waiter waiter{this, sender.handle(), tag_of(lane.number(), 0)};
  const modules::Answer* answer =
      clients_.lookup(waiter, std::span<const std::string_view>(&id, 1));
  if (answer != nullptr) on_located(lane, *answer);
}

void Relay::on_located(Lane& lane, const modules::Answer& answer) {
  if (!answer.could_ask()) {
    lane.fail(Outcome::registry_unavailable);
    return;
  }
  const modules::Holder& holder = answer.holders.front();
  if (!holder.instance.empty() && holder.instance != grid_.instance) {
    locations_.keep(lane.receiver(), holder, now_);
    lane.aim(holder);
  } else if (!deliver_here(lane)) {
    // Who joined here since the directory was asked would have been found.
    lane.fail(Outcome::not_connected);
  }
}

bool Relay::deliver_here(Lane& lane) {
  const auto here = grid_.directory.find(lane.receiver());
  if (!here) return false;
  lane.deliver([&](const Parcel& parcel) { return deliver(parcel.message(), *here); });
  return true;
}

void Relay::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  const auto found = backlogs_.find(waiter.session.slot);
  if (found == backlogs_.end() || found->second.session != waiter.session) return;
  Session* sender = sessions_.find(waiter.session);
  if (sender == nullptr) return;
  Backlog& backlog = found->second;
  const auto lane_number = static_cast<std::uint32_t>(waiter.tag >> 32);
  const auto parcel_number = static_cast<std::uint32_t>(waiter.tag);
  if (lane_number == kGate) {
    on_authorization(*sender, backlog, parcel_number, answer);
  } else if (Lane* lane = backlog.lane(lane_number)) {
    // Nothing is on its way while the receiver is looked up.
    if (lane->is_locating()) {
      on_located(*lane, answer);
    } else if (Parcel* parcel = lane->find_sent(parcel_number)) {
      on_handed_over(*lane, *parcel, answer);
    }
    advance(*sender, backlog, *lane);
  }
  open_gate(*sender, backlog);
  remove_if_empty(*sender, backlog);
  sessions_.touched(*sender);
}

std::size_t Relay::waiting_bytes(const Session& sender) const {
  return sender.has_waiting() ? backlogs_.at(sender.handle().slot).bytes : 0;
}

void Relay::on_end(Session& sender) {
  if (!sender.has_waiting()) return;
  sender.outlet().revoke_receipt();
  sender.set_waiting(false);
  backlogs_.erase(sender.handle().slot);
}

}  // namespace crolang::broker
