#pragma once
/// The messages of one sender to one receiver on another instance. Lookup, sending and retry
/// share one queue, so that no message overtakes an earlier one. The queue says what to do next;
/// the relay does it and reports the result.
///
/// Up to kWindow messages are sent before the first is answered. Their order is kept as long
/// as all of them go to the same session, so the session changes only while none is in flight: once
/// a message was not taken, no more are sent until all in flight are answered, and then the
/// receiver is looked up once for the messages that are left.
///
/// Threads: owning worker only. Errors: none.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "broker/queued_message.hpp"
#include "modules/answer.hpp"

namespace crolang::broker {

class RemoteQueue {
 public:
  static constexpr std::size_t kWindow = 16;

  RemoteQueue() = default;
  RemoteQueue(std::uint32_t number, std::string_view receiver, const modules::Holder* holder) {
    begin(number, receiver, holder);
  }
  /// An empty queue becomes that to another receiver, in the memory that it has. `holder`: where
  /// the receiver was last reached; nullptr: look it up first.
  void begin(std::uint32_t number, std::string_view receiver, const modules::Holder* holder);

  std::uint32_t number() const noexcept { return number_; }
  std::string_view receiver() const noexcept { return receiver_; }
  /// The session to which messages are sent now; nullptr: it has to be looked up.
  const modules::Holder* holder() const noexcept { return is_located_ ? &holder_ : nullptr; }
  bool is_looking_up() const noexcept { return looking_up_; }
  bool has_one_message() const noexcept { return messages_.size() == 1; }

  /// Moves the first message of `from` to the end of this queue.
  void append(QueuedMessages& from);

  enum class Step : std::uint8_t {
    wait,         ///< for an answer
    acknowledge,  ///< the message, then remove_front
    send,         ///< the message to the holder
    look_up,      ///< the receiver: begin_lookup, or deliver if it has joined this instance
    remove,       ///< the queue, since it is empty
  };
  struct Next {
    Step step;
    QueuedMessage* queued = nullptr;
  };
  Next next();

  void remove_front(SpareMessages& spare) { broker::remove_front(messages_, spare); }

  void begin_send(QueuedMessage& queued);
  enum class SendResult : std::uint8_t { taken, refused, unknown };
  void end_send(QueuedMessage& queued, SendResult result);
  /// nullptr: no message of this number is in flight.
  QueuedMessage* find_sent(std::uint32_t message_number);

  void begin_lookup();
  // The lookup ends with one of these three.
  void set_holder(const modules::Holder& holder);
  /// Finishes the messages that were in the queue when the lookup began. Later messages trigger
  /// another lookup.
  void fail_lookup(Outcome outcome);
  /// The receiver is on this instance: `hand(message)` must deliver a message and return its
  /// outcome.
  template <class Hand>
  void deliver(Hand&& hand) {
    looking_up_ = false;
    for (QueuedMessage& queued : messages_) {
      if (queued.stage == QueuedMessage::Stage::authorized)
        queued.finish(hand(std::as_const(queued)));
    }
  }

 private:
  void fail_overtaken();

  std::uint32_t number_ = 0;
  bool looking_up_ = false;
  bool is_located_ = false;  // holder_ counts
  std::string receiver_;
  modules::Holder holder_;
  QueuedMessages messages_;
  std::size_t in_flight_ = 0;
  std::size_t lookup_size_ = 0;  // messages in the queue when the lookup began
};

}  // namespace crolang::broker
