#include "broker/queued_message.hpp"

namespace crolang::broker {

void QueuedMessage::assign(std::uint32_t message_number, const Message& message,
                           Stage first_stage) {
  received = message.received;
  number = message_number;
  type = message.type;
  stage = first_stage;
  outcome = Outcome::delivered;
  refused = false;
  receipted = false;
  ack = message.ack;
  to = message.to;
  event.resize(socketio::event_size(name_of(type), message.literal));
  socketio::write_event(event.data(), name_of(type), message.literal);
}

Message QueuedMessage::message() const {
  // The event text ends with the literal and a closing bracket.
  const std::size_t around = socketio::event_size(name_of(type), {});
  const std::string_view literal =
      std::string_view(event).substr(around - 1, event.size() - around);
  return {type, ack, to, literal, received};
}

void QueuedMessage::set_authorization(Outcome result) {
  if (result == Outcome::delivered) {
    stage = Stage::authorized;
  } else {
    finish(result);
  }
}

void QueuedMessage::finish(Outcome final_outcome) {
  stage = Stage::finished;
  outcome = final_outcome;
}

std::size_t QueuedMessage::bytes(const Message& message) {
  return sizeof(QueuedMessage) + message.to.size() +
         socketio::event_size(name_of(message.type), message.literal);
}

void remove_front(QueuedMessages& messages, SpareMessages& spare) noexcept {
  if (messages.front().is_small()) {
    spare.give_back(messages, messages.begin());
  } else {
    messages.pop_front();
  }
}

}  // namespace crolang::broker
