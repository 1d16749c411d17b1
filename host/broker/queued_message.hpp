#pragma once
/// A relayed message: Message is a view used while it is relayed directly, QueuedMessage owns the
/// data while it waits.
/// Threads: plain values, not synchronised. Errors: none.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <string>
#include <string_view>

#include "broker/events.hpp"
#include "broker/outcome.hpp"
#include "broker/spare_nodes.hpp"
#include "negotiation/table.hpp"
#include "socketio/ack_id.hpp"
#include "socketio/writer.hpp"

namespace crolang::broker {

struct Message {
  Relayed type;
  const socketio::AckId& ack;
  std::string_view to;
  std::string_view literal;
  std::chrono::steady_clock::time_point received{};
  negotiation::Ticket ticket{};                   ///< if it was noted
  const negotiation::Message* unnoted = nullptr;  ///< to be noted when it is kept or acknowledged
  /// Of one that changes the state of a negotiation: another instance notes it as well.
  const negotiation::Message* state_change = nullptr;
  bool is_unrecorded = false;  ///< this instance has no record of its negotiation

  bool belongs_to_negotiation() const { return ticket.is_valid() || unnoted != nullptr; }
};

struct QueuedMessage {
  enum class Stage : std::uint8_t {
    waiting,      ///< its authorization has not been requested yet
    authorizing,  ///< its authorization has been requested
    authorized,   ///< it may be delivered
    sent,         ///< sent to another instance, which has not answered yet
    /// Its outcome is known. It waits until its predecessors are acknowledged.
    finished,
  };

  QueuedMessage() = default;
  QueuedMessage(std::uint32_t message_number, const Message& message, Stage first_stage) {
    assign(message_number, message, first_stage);
  }
  /// Becomes another message, in the memory that it has.
  void assign(std::uint32_t message_number, const Message& message, Stage first_stage);
  /// Whether it has little enough memory to be kept for another message.
  bool is_small() const { return to.capacity() + remote_event.capacity() <= kSmall; }

  /// Views of this object.
  Message message() const;
  /// `result`: Outcome::delivered if the message may be delivered, else the reason why not.
  void set_authorization(Outcome result);
  void finish(Outcome final_outcome);

  /// The memory that a message uses while it waits.
  static std::size_t bytes(const Message& message);
  std::size_t bytes() const { return sizeof(QueuedMessage) + to.size() + remote_event.size(); }

  std::chrono::steady_clock::time_point received{};
  std::uint32_t number = 0;
  Relayed type{};
  Stage stage = Stage::waiting;
  Outcome outcome = Outcome::delivered;  ///< once it is finished
  bool refused = false;                  ///< by the instance to which it was sent
  bool receipted = false;                ///< the sender has its acknowledgement
  socketio::AckId ack;
  negotiation::Ticket ticket;
  std::string to;
  /// For another instance, as remote_event.hpp says.
  std::string remote_event;

 private:
  static constexpr std::size_t kSmall = 2048;

  std::uint32_t header_size_ = 0;  // what stands before the event
};

/// A list, so that messages keep their addresses when they move from one queue to another.
using QueuedMessages = std::list<QueuedMessage>;
using SpareMessages = SpareNodes<QueuedMessage>;
/// `spare` keeps its memory, unless it is large.
void remove_front(QueuedMessages& messages, SpareMessages& spare) noexcept;

/// The first `count` messages, or all if there are fewer. Not std::views::take, since clang 14
/// cannot compile that of libstdc++.
struct Head {
  Head(QueuedMessages& messages, std::size_t count)
      : first(messages.begin()),
        last(std::next(first, static_cast<std::ptrdiff_t>(std::min(count, messages.size())))) {}
  QueuedMessages::iterator begin() const { return first; }
  QueuedMessages::iterator end() const { return last; }
  QueuedMessages::iterator first;
  QueuedMessages::iterator last;
};

}  // namespace crolang::broker
