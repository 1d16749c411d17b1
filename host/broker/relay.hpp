#pragma once
/// Carries a message from one node to another: switch → envelope → sender → authorization →
/// receiver → acknowledgement.
///
/// A message whose answers are all there at once goes straight through, without a copy of its own.
/// As soon as one has to wait, it and everything that its sender sends after it stand in one queue,
/// so that a message never overtakes an earlier one. At most kMaxOpenQuestions of a sender are
/// asked for at once; answers are applied in the order of arrival.
///
/// Threads: one Relay per worker, owning worker only.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/events.hpp"
#include "broker/grid.hpp"
#include "broker/ports.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"

namespace crolang::broker {

inline constexpr std::size_t kMaxOpenQuestions = 16;

class Relay final : public modules::AnswerSink {
 public:
  Relay(Grid& grid, modules::Clients& clients, LocalSessions& sessions, session::Workbench& bench,
        envelope::EnvelopeReader& reader)
      : grid_(grid), clients_(clients), sessions_(sessions), bench_(bench), reader_(reader) {}

  // Hot: per message. No allocation, no JSON tree, unless an answer has to be waited for.
  void on_event(session::Session& sender, Relayed type, const socketio::Packet& packet);
  /// What still waits for this sender is dropped.
  void on_end(session::Session& sender);

  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;

 private:
  /// How far a message has come.
  enum class Stage : std::uint8_t { authorize, locate, hand_over, done };

  /// A message on its way, as views: of the packet while it goes straight through, of a Waiting
  /// after that.
  struct Message {
    Relayed type;
    const socketio::AckId& ack;
    std::string_view to;
    std::string_view literal;
  };

  struct Waiting {
    Relayed type;
    socketio::AckId ack;
    std::string to;
    std::string literal;
    Stage stage = Stage::authorize;
    std::uint64_t question = 0;  // 0: none open
    bool located_again = false;
    std::optional<modules::Answer> authorization;  // until it is applied

    Message message() const { return {type, ack, to, literal}; }
    std::size_t bytes() const { return sizeof(Waiting) + to.size() + literal.size(); }
  };

  struct Queue {
    session::SessionHandle session;
    std::deque<Waiting> messages;
    std::size_t bytes = 0;
  };

  bool enabled(Relayed type) const;
  bool needs_authorization(Relayed type) const;
  bool may_send(const session::Session& sender, const envelope::Envelope& envelope) const;

  /// Asks what the message's stage needs; the answer if it is there at once.
  const modules::Answer* ask(session::Session& sender, const Message& message, Stage stage,
                             std::uint64_t tag);
  /// Applies an answer: Stage::done, and the message is acknowledged, or the next stage to ask for.
  Stage apply(session::Session& sender, const Message& message, Stage stage,
              const modules::Answer& answer, bool& located_again);
  /// The stage that follows the authorization, or done if the receiver is here.
  Stage find_receiver(session::Session& sender, const Message& message);
  Stage finish(session::Session& sender, const Message& message, socketio::AckStatus status);
  void deliver(session::Session& sender, const Message& message, const Joined& receiver);

  void enqueue(session::Session& sender, const Message& message, Stage stage,
               std::uint64_t question, bool located_again);
  /// Moves the queue on until its front has to wait.
  void pump(session::Session& sender, Queue& queue);
  /// Authorizations are asked ahead; what follows them is the front's alone.
  void ask_ahead(session::Session& sender, Queue& queue);
  void settle_front(session::Session& sender, Queue& queue);

  Grid& grid_;
  modules::Clients& clients_;
  LocalSessions& sessions_;
  session::Workbench& bench_;
  envelope::EnvelopeReader& reader_;
  std::unordered_map<std::uint32_t, Queue> queues_;  // by slot; only senders who wait
  std::uint64_t last_question_ = 0;
  // Where a message that the registry has located is to be handed over: set by apply(locate), read
  // by ask(hand_over).
  modules::Holder located_;
};

}  // namespace crolang::broker
