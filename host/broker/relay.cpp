#include "broker/relay.hpp"

#include <algorithm>
#include <utility>

#include "socketio/writer.hpp"
#include "telemetry/log.hpp"
#include "websocket/frame_writer.hpp"

namespace crolang::broker {

using session::Session;
using socketio::AckStatus;
using telemetry::Counter;
namespace log = telemetry::log;

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
    sender.ack(bench_, packet.ack, AckStatus::disabled);
    return;
  }
  // An event of more arguments than the payload is none that nodes send, but the payload is all the
  // same the first.
  if (packet.event.argument_count == 0 || packet.event.first_kind != json::Kind::string) {
    sender.ack(bench_, packet.ack, AckStatus::error);
    return;
  }
  const auto envelope = reader_.read(packet.event.first_argument);
  if (!envelope) {
    sender.ack(bench_, packet.ack, AckStatus::error);
    return;
  }
  if (!may_send(sender, *envelope)) {
    sender.ack(bench_, packet.ack, AckStatus::unauthorized);
    return;
  }
  const Message message{type, packet.ack, envelope->to, packet.event.first_argument};
  Stage stage = Stage::authorize;
  if (sender.has_waiting()) {
    enqueue(sender, message, stage, 0, false);
    return;
  }
  if (!needs_authorization(type)) stage = find_receiver(sender, message);
  bool located_again = false;
  while (stage != Stage::done) {
    const std::uint64_t question = ++last_question_;
    const modules::Answer* answer = ask(sender, message, stage, question);
    if (answer == nullptr) {
      enqueue(sender, message, stage, question, located_again);
      return;
    }
    stage = apply(sender, message, stage, *answer, located_again);
  }
}

const modules::Answer* Relay::ask(Session& sender, const Message& message, Stage stage,
                                  std::uint64_t tag) {
  const modules::Waiter waiter{this, sender.handle(), tag};
  switch (stage) {
    case Stage::authorize:
      return clients_.authorize(waiter, sender.id(), message.to);
    case Stage::locate:
      return clients_.lookup(waiter, std::span<const std::string_view>(&message.to, 1));
    case Stage::hand_over: {
      const std::size_t size = socketio::event_size(name_of(message.type), message.literal);
      std::string body(size, '\0');
      socketio::write_event(body.data(), name_of(message.type), message.literal);
      const modules::Holder holder = std::move(located_);
      return clients_.send(waiter, holder.instance, {message.to, holder.token}, body);
    }
    case Stage::done:
      break;
  }
  return nullptr;
}

Relay::Stage Relay::apply(Session& sender, const Message& message, Stage stage,
                          const modules::Answer& answer, bool& located_again) {
  if (!answer.could_ask()) return finish(sender, message, AckStatus::error);
  switch (stage) {
    case Stage::authorize:
      if (!answer.yes) return finish(sender, message, AckStatus::unauthorized);
      return find_receiver(sender, message);
    case Stage::locate: {
      const modules::Holder& holder = answer.holders.front();
      if (holder.instance == grid_.instance) {
        // It has joined here since the directory was asked, or it has left: the directory knows.
        if (const auto here = grid_.directory.find(message.to)) {
          deliver(sender, message, *here);
          return Stage::done;
        }
        return finish(sender, message, AckStatus::not_connected);
      }
      if (holder.instance.empty()) return finish(sender, message, AckStatus::not_connected);
      located_ = holder;
      return Stage::hand_over;
    }
    case Stage::hand_over:
      // Counted as relayed where it is delivered.
      if (answer.yes) return finish(sender, message, AckStatus::ok);
      if (located_again) return finish(sender, message, AckStatus::not_connected);
      located_again = true;
      return Stage::locate;
    case Stage::done:
      break;
  }
  return Stage::done;
}

Relay::Stage Relay::find_receiver(Session& sender, const Message& message) {
  const auto here = grid_.directory.find(message.to);
  if (!here) return Stage::locate;
  deliver(sender, message, *here);
  return Stage::done;
}

void Relay::deliver(Session& sender, const Message& message, const Joined& receiver) {
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
      finish(sender, message, AckStatus::ok);
      break;
    case session::Pushed::full:
      bench_.counters.add(Counter::outbox_full);
      finish(sender, message, AckStatus::error);
      break;
    case session::Pushed::gone:
      finish(sender, message, AckStatus::not_connected);
      break;
  }
}

Relay::Stage Relay::finish(Session& sender, const Message& message, AckStatus status) {
  sender.ack(bench_, message.ack, status);
  const bool authorized = status == AckStatus::ok || status == AckStatus::not_connected;
  if (authorized && message.type == Relayed::socket_msg_exchange) {
    clients_.observe(sender.id(), message.to, status == AckStatus::ok);
  }
  if (log::enabled(log::Level::relays)) {
    constexpr std::string_view kStatus[] = {"OK", "ERROR", "UNAUTHORIZED", "NOT_CONNECTED",
                                            "DISABLED"};
    log::relay("message", {{"event", name_of(message.type)},
                           {"from", sender.id()},
                           {"to", message.to},
                           {"bytes", message.literal.size()},
                           {"ack", kStatus[static_cast<std::size_t>(status)]}});
  }
  return Stage::done;
}

void Relay::enqueue(Session& sender, const Message& message, Stage stage, std::uint64_t question,
                    bool located_again) {
  Queue& queue = queues_[sender.handle().slot];
  if (queue.messages.empty()) {
    queue.session = sender.handle();
    queue.bytes = 0;
  }
  Waiting waiting{message.type, message.ack, std::string(message.to), std::string(message.literal),
                  stage,        question,    located_again,           std::nullopt};
  if (queue.bytes + waiting.bytes() > grid_.policy.max_outbox_bytes) {
    sender.ack(bench_, message.ack, AckStatus::error);
    return;
  }
  queue.bytes += waiting.bytes();
  queue.messages.push_back(std::move(waiting));
  sender.set_waiting(true);
  if (question == 0) pump(sender, queue);
}

void Relay::pump(Session& sender, Queue& queue) {
  ask_ahead(sender, queue);
  while (!queue.messages.empty() && queue.messages.front().question == 0) {
    settle_front(sender, queue);
    ask_ahead(sender, queue);
  }
  if (!queue.messages.empty()) return;
  sender.set_waiting(false);
  queues_.erase(sender.handle().slot);
}

void Relay::ask_ahead(Session& sender, Queue& queue) {
  const std::size_t ahead = std::min(queue.messages.size(), kMaxOpenQuestions);
  for (std::size_t i = 0; i < ahead; ++i) {
    Waiting& waiting = queue.messages[i];
    if (waiting.stage != Stage::authorize || waiting.question != 0 || waiting.authorization) {
      continue;
    }
    if (!needs_authorization(waiting.type)) {
      waiting.authorization = modules::Answer{};
      waiting.authorization->status = CROLANG_OK;
      waiting.authorization->yes = true;
      continue;
    }
    const std::uint64_t question = ++last_question_;
    if (const auto* answer = ask(sender, waiting.message(), Stage::authorize, question)) {
      waiting.authorization = *answer;
    } else {
      waiting.question = question;
    }
  }
}

void Relay::settle_front(Session& sender, Queue& queue) {
  Waiting& front = queue.messages.front();
  if (front.question != 0) return;
  if (front.stage == Stage::authorize) {
    const modules::Answer answer = *std::exchange(front.authorization, std::nullopt);
    front.stage = apply(sender, front.message(), Stage::authorize, answer, front.located_again);
  }
  while (front.stage != Stage::done) {
    const std::uint64_t question = ++last_question_;
    const modules::Answer* answer = ask(sender, front.message(), front.stage, question);
    if (answer == nullptr) {
      front.question = question;
      return;
    }
    front.stage = apply(sender, front.message(), front.stage, *answer, front.located_again);
  }
  queue.bytes -= front.bytes();
  queue.messages.pop_front();
}

void Relay::on_answer(const modules::Waiter& waiter, const modules::Answer& answer) {
  const auto found = queues_.find(waiter.session.slot);
  if (found == queues_.end() || found->second.session != waiter.session) return;
  Session* sender = sessions_.find(waiter.session);
  if (sender == nullptr) return;
  Queue& queue = found->second;
  const auto message = std::ranges::find_if(
      queue.messages, [&](const Waiting& waiting) { return waiting.question == waiter.tag; });
  if (message == queue.messages.end()) return;
  message->question = 0;
  if (message->stage == Stage::authorize) {
    message->authorization = answer;
  } else {
    // Only the front goes beyond authorization.
    message->stage =
        apply(*sender, message->message(), message->stage, answer, message->located_again);
    if (message->stage == Stage::done) {
      queue.bytes -= message->bytes();
      queue.messages.pop_front();
    }
  }
  pump(*sender, queue);
  sessions_.touched(*sender);
}

void Relay::on_end(Session& sender) {
  if (!sender.has_waiting()) return;
  sender.set_waiting(false);
  queues_.erase(sender.handle().slot);
}

}  // namespace crolang::broker
