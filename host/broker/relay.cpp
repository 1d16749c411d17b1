#include "broker/relay.hpp"

#include <algorithm>
#include <bit>
#include <span>
#include <string>

#include "broker/negotiation_notes.hpp"
#include "broker/node_id.hpp"
#include "broker/node_log.hpp"
#include "broker/receipts.hpp"
#include "socketio/writer.hpp"
#include "telemetry/log.hpp"
#include "websocket/frame_writer.hpp"

namespace crolang::broker {

using telemetry::Counter;
using telemetry::Latency;
using Stage = QueuedMessage::Stage;
namespace log = telemetry::log;

namespace {

// The tag of a question identifies its subject: a message in the authorization queue, or in the
// remote queue of this number.
constexpr std::uint32_t kAuthorizationQueue = 0;

std::uint64_t tag_of(std::uint32_t queue, std::uint32_t queued) {
  return std::uint64_t{queue} << 32 | queued;
}

Outcome result_of(const modules::Answer& authorization) {
  if (!authorization.succeeded()) return Outcome::authorization_unavailable;
  return authorization.yes ? Outcome::delivered : Outcome::unauthorized;
}

}  // namespace

RemoteQueue* Relay::Backlog::queue_to(std::string_view receiver) {
  const auto found = std::ranges::find(remote_queues, receiver, &RemoteQueue::receiver);
  return found == remote_queues.end() ? nullptr : &*found;
}

RemoteQueue* Relay::Backlog::queue(std::uint32_t number) {
  const auto found = std::ranges::find(remote_queues, number, &RemoteQueue::number);
  return found == remote_queues.end() ? nullptr : &*found;
}

Relay::Backlog* Relay::backlog_of(const Node& sender) {
  return sender.has_waiting() ? &backlogs_.at(sender.handle().slot) : nullptr;
}

Relay::Backlog& Relay::ensure_backlog(Node& sender) {
  const std::uint32_t slot = sender.handle().slot;
  if (sender.has_waiting()) return backlogs_.at(slot);
  Backlog* backlog = nullptr;
  if (spare_backlogs_.empty()) {
    backlog = &backlogs_[slot];
  } else {
    Backlogs::node_type& spare = spare_backlogs_.back();
    spare.key() = slot;
    backlog = &backlogs_.insert(std::move(spare)).position->second;
    spare_backlogs_.pop_back();
  }
  backlog->session = sender.handle();
  backlog->bytes = 0;
  sender.set_waiting(true);
  return *backlog;
}

bool Relay::enabled(Relayed type) const {
  return type == Relayed::socket_msg_exchange ? shared_.policy.relay_enabled
                                              : shared_.policy.p2p_enabled;
}

bool Relay::needs_authorization(Relayed type) const {
  return shared_.policy.authorization_scope == Policy::Scope::every_message ||
         type == Relayed::connection_attempt || type == Relayed::socket_msg_exchange;
}

bool Relay::may_send(const Node& sender, const envelope::Envelope& envelope) const {
  return envelope.from_kind == envelope::Envelope::From::absent ||
         (envelope.from_kind == envelope::Envelope::From::named && envelope.from == sender.id());
}

void Relay::on_event(Node& sender, Relayed type, const socketio::Packet& packet) {
  if (const auto result = rate_.take(sender.handle(), now_);
      result != MessageRate::Result::within) {
    refuse_over_rate(sender, type, packet.ack, result);
    return;
  }
  if (!enabled(type)) {
    refuse(sender, type, packet.ack,
           type == Relayed::socket_msg_exchange ? Outcome::relay_disabled : Outcome::p2p_disabled);
    return;
  }
  // Nodes send one argument, the payload. Further arguments are ignored.
  if (packet.event.argument_count == 0 || packet.event.first_kind != json::Kind::string) {
    refuse(sender, type, packet.ack,
           packet.event.argument_count == 0 ? Outcome::no_payload : Outcome::payload_not_string);
    return;
  }
  const bool noted = is_noted(shared_, type);
  envelope::NegotiationMembers members;
  const auto envelope = noted ? reader_.read(packet.event.first_argument, members)
                              : reader_.read(packet.event.first_argument);
  if (!envelope) {
    refuse(sender, type, packet.ack, outcome_of(envelope.error()));
    return;
  }
  if (!may_send(sender, *envelope)) {
    refuse(sender, type, packet.ack,
           envelope->from_kind == envelope::Envelope::From::named ? Outcome::forged_sender
                                                                  : Outcome::sender_not_string,
           envelope->to);
    return;
  }
  Message message{type, packet.ack, envelope->to, packet.event.first_argument, now_};
  // No module is asked about the message, and no observer is notified.
  if (!can_exist(message.to, shared_.policy.max_node_id_bytes)) {
    acknowledge(sender, message, Outcome::impossible_receiver);
    return;
  }
  std::optional<negotiation::Message> unnoted;
  if (noted) {
    describe(unnoted.emplace(), sender, type, *envelope, members, now_);
    if (changes_state(type)) message.state_change = &*unnoted;
    if (type == Relayed::connection_attempt) {
      message.ticket = note_sent(shared_, context_.counters, *unnoted);
    } else {
      message.unnoted = &*unnoted;
    }
  }
  const std::uint32_t number = ++last_message_;
  const Backlog* backlog = backlog_of(sender);
  if (backlog != nullptr && backlog->must_queue()) {
    enqueue(sender, message, number, Stage::waiting);
    return;
  }
  const auto result = authorize(sender, message, number);
  if (!result) {
    enqueue(sender, message, number, Stage::authorizing);
  } else if (*result != Outcome::delivered) {
    finish(sender, message, *result);
  } else if (!deliver_here(sender, message)) {
    send_elsewhere(sender, message, number);
  }
}

std::optional<Outcome> Relay::authorize(Node& sender, const Message& message,
                                        std::uint32_t number) {
  if (!needs_authorization(message.type)) return Outcome::delivered;
  const modules::Waiter waiter{this, sender.handle().packed(), tag_of(kAuthorizationQueue, number)};
  const modules::Answer* answer = clients_.authorize(waiter, sender.id(), message.to);
  if (answer == nullptr) return std::nullopt;
  return authorization_result(sender, message, *answer);
}

Outcome Relay::authorization_result(const Node& sender, const Message& message,
                                    const modules::Answer& authorization) const {
  const Outcome result = result_of(authorization);
  if (result == Outcome::unauthorized) {
    // Logged at once, since the reason is not kept with the message.
    node_log::not_relayed(message.type, sender.id(), message.to, result, authorization.error, now_);
  }
  return result;
}

void Relay::refuse(Node& sender, Relayed type, const socketio::AckId& ack, Outcome outcome,
                   std::string_view to) {
  sender.ack(context_, ack, status_of(outcome));
  node_log::not_relayed(type, sender.id(), to, outcome, {}, now_);
}

void Relay::refuse_over_rate(Node& sender, Relayed type, const socketio::AckId& ack,
                             MessageRate::Result result) {
  context_.counters.add(Counter::messages_over_rate);
  refuse(sender, type, ack, Outcome::over_rate);
  if (result == MessageRate::Result::long_over) {
    sender.disconnect_for_reconnect(context_, session::EndReason::message_rate);
  } else {
    sessions_.pause_reading(sender);
  }
}

bool Relay::deliver_here(Node& sender, const Message& message) {
  Backlog* backlog = backlog_of(sender);
  if (backlog != nullptr && backlog->queue_to(message.to) != nullptr) return false;
  const auto here = shared_.directory.find(message.to);
  if (!here) return false;
  finish(sender, message, deliver(message, *here));
  return true;
}

Outcome Relay::deliver(const Message& message, const Joined& receiver) {
  const std::string_view name = name_of(message.type);
  const std::size_t size = socketio::event_size(name, message.literal);
  session::Outbox* outbox = shared_.outboxes.find(receiver.session);
  session::Pushed pushed = session::Pushed::gone;
  if (outbox != nullptr) {
    pushed = outbox->push(receiver.session.generation, websocket::header_size(size) + size,
                          shared_.policy.max_outbox_bytes, context_.dirty, [&](char* out) {
                            out += websocket::write_header(out, websocket::Opcode::text, size);
                            socketio::write_event(out, name, message.literal);
                          });
  }
  switch (pushed) {
    case session::Pushed::taken:
      context_.counters.add(Counter::relayed_local);
      // Reading the clock for each message would be a few per cent of its cost.
      if (delivered_++ % kMeasuredOneIn == 0) {
        context_.counters.observe(Latency::relay_local,
                                  std::chrono::steady_clock::now() - message.received);
      }
      return Outcome::delivered;
    case session::Pushed::full:
      context_.counters.add(Counter::outbox_full);
      return Outcome::outbox_full;
    case session::Pushed::gone:
      break;
  }
  return Outcome::not_connected;
}

void Relay::finish(Node& sender, const Message& message, Outcome outcome, Ack ack) {
  acknowledge(sender, message, outcome, ack);
  const AckStatus status = status_of(outcome);
  const bool authorized = status == AckStatus::ok || status == AckStatus::not_connected;
  if (authorized && message.type == Relayed::socket_msg_exchange) {
    clients_.observe(sender.id(), message.to, status == AckStatus::ok);
  }
}

void Relay::acknowledge(Node& sender, const Message& message, Outcome outcome, Ack ack) {
  const AckStatus status = status_of(outcome);
  if (ack == Ack::pending) sender.ack(context_, message.ack, status);
  if (message.belongs_to_negotiation()) {
    note_outcome(shared_, context_.counters, message, outcome);
  }
  // Unauthorized messages were logged when the authorization was answered.
  if (status == AckStatus::error) {
    node_log::not_relayed(message.type, sender.id(), message.to, outcome, {}, now_);
  }
  if (!log::enabled(log::Level::relays)) return;
  const std::string_view name = name_of(status);
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

Relay::Backlog* Relay::keep(Node& sender, const Message& message, std::uint32_t number,
                            Stage stage) {
  const Backlog* known = backlog_of(sender);
  const std::size_t waiting = known == nullptr ? 0 : known->bytes;
  const std::size_t bytes = QueuedMessage::bytes(message);
  if (waiting + bytes > shared_.policy.max_outbox_bytes) {
    finish(sender, message, Outcome::backlog_full);
    return nullptr;
  }
  if (known != nullptr) sender.outbox().revoke_receipt();
  QueuedMessages one = spare_messages_.take();
  Message noted = message;
  if (message.unnoted != nullptr) {
    noted.ticket = note_sent(shared_, context_.counters, *message.unnoted);
    noted.is_unrecorded = !noted.ticket.is_valid();
  }
  one.front().assign(number, noted, stage);
  Backlog& backlog = ensure_backlog(sender);
  backlog.authorization_queue.splice(backlog.authorization_queue.end(), one);
  backlog.bytes += backlog.authorization_queue.back().bytes();
  return &backlog;
}

void Relay::enqueue(Node& sender, const Message& message, std::uint32_t number, Stage stage) {
  Backlog* const backlog = keep(sender, message, number, stage);
  if (backlog == nullptr) return;
  advance_authorizations(sender, *backlog);
  remove_if_empty(sender, *backlog);
}

void Relay::send_elsewhere(Node& sender, const Message& message, std::uint32_t number) {
  Backlog* const backlog = keep(sender, message, number, Stage::authorized);
  if (backlog == nullptr) return;
  move_to_remote_queue(sender, *backlog);
  remove_if_empty(sender, *backlog);
}

void Relay::advance_authorizations(Node& sender, Backlog& backlog) {
  request_authorizations(sender, backlog);
  while (!backlog.authorization_queue.empty() && backlog.remote_queues.size() < kMaxRemoteQueues) {
    const QueuedMessage& front = backlog.authorization_queue.front();
    if (front.stage == Stage::waiting || front.stage == Stage::authorizing) return;
    if (front.stage == Stage::authorized && !deliver_here(sender, front.message())) {
      move_to_remote_queue(sender, backlog);
    } else {
      if (front.stage == Stage::finished) finish(sender, front.message(), front.outcome);
      backlog.bytes -= front.bytes();
      remove_front(backlog.authorization_queue, spare_messages_);
    }
    request_authorizations(sender, backlog);
  }
}

void Relay::request_authorizations(Node& sender, Backlog& backlog) {
  for (QueuedMessage& queued : Head(backlog.authorization_queue, kMaxOpenQuestions)) {
    if (queued.stage != Stage::waiting) continue;
    queued.stage = Stage::authorizing;
    if (const auto result = authorize(sender, queued.message(), queued.number)) {
      queued.set_authorization(*result);
    }
  }
}

void Relay::on_authorization(const Node& sender, Backlog& backlog, std::uint32_t number,
                             const modules::Answer& answer) {
  for (QueuedMessage& queued : Head(backlog.authorization_queue, kMaxOpenQuestions)) {
    if (queued.number == number)
      queued.set_authorization(authorization_result(sender, queued.message(), answer));
  }
}

void Relay::remove_if_empty(Node& sender, Backlog& backlog) {
  if (!backlog.authorization_queue.empty() || !backlog.remote_queues.empty()) return;
  sender.set_waiting(false);
  auto backlog_node = backlogs_.extract(sender.handle().slot);
  if (spare_backlogs_.size() < SpareMessages::kMost) {
    spare_backlogs_.push_back(std::move(backlog_node));
  }
}

void Relay::move_to_remote_queue(Node& sender, Backlog& backlog) {
  const std::string_view to = backlog.authorization_queue.front().to;
  RemoteQueue* queue = backlog.queue_to(to);
  if (queue == nullptr) {
    if (++last_queue_ == kAuthorizationQueue) ++last_queue_;
    std::list<RemoteQueue> one = spare_queues_.take();
    one.front().begin(last_queue_, to, routes_.find(to, now_));
    backlog.remote_queues.splice(backlog.remote_queues.end(), one);
    queue = &backlog.remote_queues.back();
  }
  queue->append(backlog.authorization_queue);
  advance(sender, backlog, *queue);
}

void Relay::advance(Node& sender, Backlog& backlog, RemoteQueue& queue) {
  while (true) {
    const auto [step, queued] = queue.next();
    switch (step) {
      case RemoteQueue::Step::wait:
        return;
      case RemoteQueue::Step::acknowledge:
        finish(sender, queued->message(), queued->outcome,
               queued->receipted ? Ack::sent : Ack::pending);
        backlog.bytes -= queued->bytes();
        queue.remove_front(spare_messages_);
        break;
      case RemoteQueue::Step::send:
        send_remote(sender, backlog, queue, *queued);
        break;
      case RemoteQueue::Step::look_up:
        look_up(sender, queue);
        break;
      case RemoteQueue::Step::remove:
        spare_queues_.give_back(
            backlog.remote_queues,
            std::ranges::find(backlog.remote_queues, queue.number(), &RemoteQueue::number));
        return;
    }
  }
}

void Relay::send_remote(Node& sender, const Backlog& backlog, RemoteQueue& queue,
                        QueuedMessage& queued) {
  queue.begin_send(queued);
  const modules::Holder& holder = *queue.holder();
  const modules::Waiter waiter{this, sender.handle().packed(),
                               tag_of(queue.number(), queued.number)};
  const modules::Answer* answer = clients_.send(
      waiter, holder.instance, {queue.receiver(), holder.token, holder.session, holder.worker},
      queued.remote_event, issue_receipt(sender, backlog, queued));
  if (answer != nullptr) on_sent(queue, queued, *answer);
}

modules::Receipt Relay::issue_receipt(Node& sender, const Backlog& backlog,
                                      const QueuedMessage& queued) const {
  const bool is_all = backlog.authorization_queue.empty() && backlog.remote_queues.size() == 1 &&
                      backlog.remote_queues.front().has_one_message();
  // The worker itself must handle the answer if observers are to be notified or it is logged.
  const bool observed = queued.type == Relayed::socket_msg_exchange &&
                        !shared_.modules.of<modules::Kind::observer>().empty();
  if (!is_all || observed || log::enabled(log::Level::relays)) return modules::kNoReceipt;
  modules::Receipt receipt = broker::issue_receipt(sender, queued.ack);
  receipt.note = std::bit_cast<std::uint64_t>(queued.ticket);
  return receipt;
}

// The instance that delivers a message counts it as relayed.
void Relay::on_sent(RemoteQueue& queue, QueuedMessage& queued, const modules::Answer& answer) {
  const bool taken = answer.succeeded() && answer.yes;
  queued.receipted = answer.receipted;
  if (taken) {
    context_.counters.observe(Latency::relay_remote,
                              (answer.receipted ? answer.receipted_at : now_) - queued.received);
  }
  if (const modules::Holder* const holder = queue.holder()) {
    if (taken) {
      routes_.keep(queue.receiver(), *holder, now_);
    } else {
      routes_.drop(queue.receiver(), holder->token);
    }
  }
  // Without an answer the message may still have been accepted, so it is not sent again.
  queue.end_send(queued, taken                ? RemoteQueue::SendResult::taken
                         : answer.succeeded() ? RemoteQueue::SendResult::refused
                                              : RemoteQueue::SendResult::unknown);
}

void Relay::look_up(Node& sender, RemoteQueue& queue) {
  if (deliver_here(queue)) return;
  queue.begin_lookup();
  const std::string_view id = queue.receiver();
  const modules::Waiter waiter{this, sender.handle().packed(), tag_of(queue.number(), 0)};
  const modules::Answer* answer =
      clients_.lookup(waiter, std::span<const std::string_view>(&id, 1));
  if (answer != nullptr) on_located(queue, *answer);
}

void Relay::on_located(RemoteQueue& queue, const modules::Answer& answer) {
  if (!answer.succeeded()) {
    queue.fail_lookup(Outcome::registry_unavailable);
    return;
  }
  const modules::Holder& holder = answer.holders.front();
  if (!holder.instance.empty() && holder.instance != shared_.instance) {
    routes_.keep(queue.receiver(), holder, now_);
    queue.set_holder(holder);
  } else if (!deliver_here(queue)) {
    // The registry names this instance, but no such node has joined here.
    queue.fail_lookup(Outcome::not_connected);
  }
}

bool Relay::deliver_here(RemoteQueue& queue) {
  const auto here = shared_.directory.find(queue.receiver());
  if (!here) return false;
  queue.deliver([&](const QueuedMessage& queued) { return deliver(queued.message(), *here); });
  return true;
}

void Relay::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  const auto session = SessionHandle::unpacked(waiter.asker);
  const auto found = backlogs_.find(session.slot);
  if (found == backlogs_.end() || found->second.session != session) return;
  Node* sender = sessions_.find(session);
  if (sender == nullptr) return;
  Backlog& backlog = found->second;
  const auto queue_number = static_cast<std::uint32_t>(waiter.tag >> 32);
  const auto message_number = static_cast<std::uint32_t>(waiter.tag);
  if (queue_number == kAuthorizationQueue) {
    on_authorization(*sender, backlog, message_number, answer);
  } else if (RemoteQueue* queue = backlog.queue(queue_number)) {
    // While the receiver is being looked up no message is in flight, so this answers the lookup.
    if (queue->is_looking_up()) {
      on_located(*queue, answer);
    } else if (QueuedMessage* queued = queue->find_sent(message_number)) {
      on_sent(*queue, *queued, answer);
    }
    advance(*sender, backlog, *queue);
  }
  advance_authorizations(*sender, backlog);
  remove_if_empty(*sender, backlog);
  sessions_.deadline_changed(*sender);
}

std::size_t Relay::waiting_bytes(const Node& sender) const {
  return sender.has_waiting() ? backlogs_.at(sender.handle().slot).bytes : 0;
}

void Relay::on_end(Node& sender) {
  if (!sender.has_waiting()) return;
  sender.outbox().revoke_receipt();
  sender.set_waiting(false);
  backlogs_.erase(sender.handle().slot);
}

}  // namespace crolang::broker
