#include "broker/queued_message.hpp"

#include "broker/remote_event.hpp"

namespace crolang::broker {
namespace {

NegotiationNames names_of(const negotiation::Message& message) {
  const bool is_initiator = message.from == negotiation::Side::initiator;
  return {is_initiator ? message.initiator : message.responder, message.session};
}

std::size_t header_size(const Message& message) {
  if (message.is_unrecorded) return 1;
  return message.state_change == nullptr ? 0 : names_size(names_of(*message.state_change));
}

/// Returns its end.
char* write_header(char* out, const Message& message) {
  if (message.is_unrecorded) {
    *out = kWholeMark;
    return out + 1;
  }
  return write_names(out, names_of(*message.state_change));
}

}  // namespace

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
  ticket = message.ticket;
  to = message.to;
  const std::size_t before = header_size(message);
  header_size_ = static_cast<std::uint32_t>(before);
  remote_event.resize(before + socketio::event_size(name_of(type), message.literal));
  char* out = remote_event.data();
  if (before != 0) out = write_header(out, message);
  socketio::write_event(out, name_of(type), message.literal);
}

Message QueuedMessage::message() const {
  // The event text ends with the literal and a closing bracket.
  const std::size_t around = socketio::event_size(name_of(type), {});
  const std::string_view literal =
      std::string_view(remote_event)
          .substr(header_size_ + around - 1, remote_event.size() - header_size_ - around);
  return {type, ack, to, literal, received, ticket};
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
  return sizeof(QueuedMessage) + message.to.size() + header_size(message) +
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
