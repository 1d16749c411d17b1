#pragma once
/// Relays a message from one node to another: within its rate? → event enabled? → payload valid? →
/// sender genuine? → sender authorized? → find the receiver → deliver → acknowledge.
///
/// If every answer is available at once and the receiver is connected to this instance, the message
/// goes straight into the receiver's outbox and is not copied first. Otherwise it waits in the
/// sender's backlog, in two places at most:
///   - in the sender's authorization queue, where at most kMaxOpenQuestions authorizations are
///     requested at once and messages leave in the order in which they arrived;
///   - then, if the receiver is on another instance, in the remote queue of this sender and this
///     receiver.
/// Remote queues do not wait for each other, and messages to receivers on this instance do not wait
/// for remote queues. So the order of messages is kept for each receiver, but not across receivers.
///
/// Threads: one Relay per worker, owning worker only. Time is an argument, but for the clock that
/// is read when a delivery is measured.

#include <cstdint>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/message_rate.hpp"
#include "broker/node.hpp"
#include "broker/ports.hpp"
#include "broker/queued_message.hpp"
#include "broker/remote_queue.hpp"
#include "broker/route_cache.hpp"
#include "broker/shared_state.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

inline constexpr std::size_t kMaxOpenQuestions = 16;
/// The most receivers on other instances to which a sender has messages in flight. At the limit,
/// its messages wait in its authorization queue.
inline constexpr std::size_t kMaxRemoteQueues = 256;
/// Of this many deliveries on this instance, the time of one is measured.
inline constexpr std::uint32_t kMeasuredOneIn = 16;

class Relay final : public modules::AnswerSink {
 public:
  using TimePoint = session::TimePoint;

  Relay(SharedState& shared, modules::Clients& clients, LocalSessions& sessions,
        session::SessionContext& context, envelope::EnvelopeReader& reader)
      : shared_(shared),
        clients_(clients),
        sessions_(sessions),
        context_(context),
        reader_(reader),
        rate_(shared.policy.message_rate, shared.policy.message_burst) {
    // So that keeping one never allocates.
    spare_backlogs_.reserve(SpareMessages::kMost);
  }

  /// At the start of each iteration of the worker's loop.
  void set_now(TimePoint now) { now_ = now; }

  // Hot: per message. No JSON tree; no allocation, unless many messages wait for an answer or for
  // another instance.
  void on_event(Node& sender, Relayed type, const socketio::Packet& packet);
  /// Drops the sender's messages that are still queued.
  void on_end(Node& sender);
  /// The memory used by a sender's messages that are not acknowledged yet, in bytes.
  std::size_t waiting_bytes(const Node& sender) const;

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  /// The messages of one sender that wait for answers. It exists exactly while
  /// Node::has_waiting() is true.
  struct Backlog {
    session::SessionHandle session;
    QueuedMessages authorization_queue;
    // At most kMaxRemoteQueues, so a linear search finds them.
    std::list<RemoteQueue> remote_queues;
    std::size_t bytes = 0;  // of all messages

    /// A new message must not overtake those in the authorization queue.
    bool must_queue() const {
      return !authorization_queue.empty() || remote_queues.size() >= kMaxRemoteQueues;
    }
    RemoteQueue* queue_to(std::string_view receiver);
    RemoteQueue* queue(std::uint32_t number);
  };

  bool enabled(Relayed type) const;
  bool needs_authorization(Relayed type) const;
  bool may_send(const Node& sender, const envelope::Envelope& envelope) const;
  Backlog* backlog_of(const Node& sender);
  /// The backlog of that sender, which is made if there is none.
  Backlog& ensure_backlog(Node& sender);

  /// Acknowledges an event that is not a valid message.
  void refuse(Node& sender, Relayed type, const socketio::AckId& ack, Outcome outcome,
              std::string_view to = {});
  /// Acknowledges a message that comes too fast. Disconnects a node that does not slow down.
  void refuse_over_rate(Node& sender, Relayed type, const socketio::AckId& ack,
                        MessageRate::Verdict verdict);
  /// The authorization result: Outcome::delivered if the message may be delivered, else the reason
  /// why not. std::nullopt if the answer is not available yet.
  std::optional<Outcome> authorize(Node& sender, const Message& message, std::uint32_t number);
  Outcome authorization_result(const Node& sender, const Message& message,
                               const modules::Answer& authorization) const;
  /// False: the receiver is not connected here, or earlier messages are in its remote queue.
  bool deliver_here(Node& sender, const Message& message);
  Outcome deliver(const Message& message, const Joined& receiver);
  enum class Ack : std::uint8_t { pending, sent };
  /// Acknowledges the message and notifies the observers.
  void finish(Node& sender, const Message& message, Outcome outcome, Ack ack = Ack::pending);
  void acknowledge(Node& sender, const Message& message, Outcome outcome, Ack ack = Ack::pending);

  /// Adds the message to the authorization queue. nullptr: there are too many, so it is finished.
  Backlog* keep(Node& sender, const Message& message, std::uint32_t number,
                QueuedMessage::Stage stage);
  void enqueue(Node& sender, const Message& message, std::uint32_t number,
               QueuedMessage::Stage stage);
  /// An authorized message that deliver_here did not deliver, when no other waits before it.
  void send_elsewhere(Node& sender, const Message& message, std::uint32_t number);
  /// Sends on the messages at the front whose authorization results are known, and requests further
  /// authorizations.
  void advance_authorizations(Node& sender, Backlog& backlog);
  void request_authorizations(Node& sender, Backlog& backlog);
  void on_authorization(const Node& sender, Backlog& backlog, std::uint32_t number,
                        const modules::Answer& answer);
  void remove_if_empty(Node& sender, Backlog& backlog);

  /// Moves the first message of the authorization queue.
  void move_to_remote_queue(Node& sender, Backlog& backlog);
  /// Does what the remote queue asks for until it has to wait, or is empty and removed.
  void advance(Node& sender, Backlog& backlog, RemoteQueue& queue);
  void send_remote(Node& sender, const Backlog& backlog, RemoteQueue& queue, QueuedMessage& queued);
  /// Issues a receipt only if this is the sender's only message in flight; else returns none.
  modules::Receipt issue_receipt(Node& sender, const Backlog& backlog,
                                 const QueuedMessage& queued) const;
  void on_sent(RemoteQueue& queue, QueuedMessage& queued, const modules::Answer& answer);
  void look_up(Node& sender, RemoteQueue& queue);
  void on_located(RemoteQueue& queue, const modules::Answer& answer);
  bool deliver_here(RemoteQueue& queue);

  SharedState& shared_;
  modules::Clients& clients_;
  LocalSessions& sessions_;
  session::SessionContext& context_;
  envelope::EnvelopeReader& reader_;
  MessageRate rate_;
  TimePoint now_;
  RouteCache routes_;
  using Backlogs = std::unordered_map<std::uint32_t, Backlog>;
  Backlogs backlogs_;  // by slot
  // What is used again.
  std::vector<Backlogs::node_type> spare_backlogs_;
  SpareNodes<RemoteQueue> spare_queues_;
  SpareMessages spare_messages_;
  std::uint32_t delivered_ = 0;  // on this instance; wraps around
  std::uint32_t last_message_ = 0;
  std::uint32_t last_queue_ = 0;
};

}  // namespace crolang::broker
