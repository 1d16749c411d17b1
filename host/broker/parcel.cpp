#include "broker/parcel.hpp"

namespace crolang::broker {

Parcel::Parcel(std::uint32_t parcel_number, const Message& message, Stage first_stage)
    : number(parcel_number),
      type(message.type),
      stage(first_stage),
      ack(message.ack),
      to(message.to),
      event(socketio::event_size(name_of(message.type), message.literal), '\0') {
  socketio::write_event(event.data(), name_of(type), message.literal);
}

Message Parcel::message() const {
  // An event ends with its literal and a bracket.
  const std::size_t around = socketio::event_size(name_of(type), {});
  const std::string_view literal =
      std::string_view(event).substr(around - 1, event.size() - around);
  return {type, ack, to, literal};
}

void Parcel::decide(Outcome verdict) {
  if (verdict == Outcome::delivered) {
    stage = Stage::cleared;
  } else {
    settle(verdict);
  }
}

void Parcel::settle(Outcome final_outcome) {
  stage = Stage::settled;
  outcome = final_outcome;
}

std::size_t Parcel::bytes(const Message& message) {
  return sizeof(Parcel) + message.to.size() +
         socketio::event_size(name_of(message.type), message.literal);
}

}  // namespace crolang::broker
