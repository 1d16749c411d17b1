#pragma once
/// Answers ARE_NODES_CONNECTED_TO_BROKER: nodes of this instance from the directory, all others by
/// one lookup. With Policy::authorize_presence the authorization module is asked first, about
/// every id, so that not even the time that an answer takes depends on nodes that the asker may not
/// know of: these are reported as not connected.
///
/// One question may name a thousand ids, so the cost of questions is bounded: by the ids that a
/// worker looks at in one loop iteration, by the ids of a worker that wait for the registry, and by
/// the ids of a node that are looked up per second (a burst of one second is free). Questions
/// beyond these limits are deferred, and nodes are served round-robin. A question that exceeds the
/// queue limits is answered ERROR without being parsed; the refusal is sent after the node's own
/// deferred questions, but does not wait for the registry.
///
/// Threads: one Presence per worker, owning worker only. Time is an argument.

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/node.hpp"
#include "broker/node_log.hpp"
#include "broker/ports.hpp"
#include "broker/presence_authorization.hpp"
#include "broker/shared_state.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

/// Questions in progress: of one node, of all nodes of a worker, and the bytes of the latter.
inline constexpr std::size_t kMaxQuestionsOfNode = 32;
inline constexpr std::size_t kMaxQuestions = 4096;
/// Refusals of a worker that wait behind deferred questions.
inline constexpr std::size_t kMaxRefusals = 65'536;
inline constexpr std::size_t kMaxQuestionBytes = std::size_t{16} << 20;
/// Ids about which a worker waits for the registry or the authorization. One question may exceed
/// it.
inline constexpr std::size_t kMaxIdsAtModules = 16'384;
/// Ids that a worker looks at in one loop iteration: in questions that are answered as they arrive,
/// and in deferred ones.
inline constexpr std::size_t kIdsPerIteration = 4096;
inline constexpr std::size_t kDeferredIdsPerIteration = 1024;

class Presence final : public modules::AnswerSink, public PresenceAuthorizationEvents {
 public:
  using TimePoint = session::TimePoint;

  Presence(SharedState& shared, modules::Clients& clients, LocalSessions& sessions,
           session::SessionContext& context, envelope::EnvelopeReader& reader)
      : shared_(shared),
        clients_(clients),
        sessions_(sessions),
        context_(context),
        reader_(reader),
        authorization_(clients, sessions, *this) {}

  /// At the start of each iteration of the worker's loop.
  void set_now(TimePoint now) {
    now_ = now;
    budget_ = kIdsPerIteration;
  }
  void on_event(Node& asker, const socketio::Packet& packet);
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;
  void on_permitted(std::uint64_t question, const Permitted& permitted) override;
  /// Drops the node's questions.
  void on_end(Node& asker);
  /// At the end of each loop iteration: answers some deferred questions.
  void tick();
  TimePoint deadline() const;

 private:
  /// A deferred question or, if the literal is empty, a refusal behind one.
  struct Deferred {
    std::uint64_t token;  // see Asked
    socketio::AckId ack;
    std::string literal;
  };
  /// A question that waits for the registry.
  struct Asked {
    session::SessionHandle asker;
    // Of the lease under which it asked: a node that has joined again does not get this answer.
    std::uint64_t token;
    socketio::AckId ack;
    std::vector<std::string> ids;
    std::vector<bool> connected;
    std::vector<std::size_t> asked;  // which of ids the registry was asked about
    std::size_t bytes;               // of the question
  };
  /// A question that waits for the authorization.
  struct Authorizing {
    session::SessionHandle asker;
    std::uint64_t token;  // as in Asked
    socketio::AckId ack;
    std::size_t ids;
    std::size_t bytes;  // of the question
  };
  /// A node that has asked since it connected.
  struct Asker {
    session::SessionHandle session;
    TimePoint paid_until{};  // when its lookups so far would have ended at the permitted rate
    std::list<Deferred> deferred;
    std::size_t questions = 0;  // deferred, or waiting for the registry or the authorization
    std::size_t bytes = 0;      // of these questions
  };

  Asker* find(const session::SessionHandle& session);
  bool has_room(const Asker& asker, std::size_t bytes) const;
  /// When its rate permits the next lookup; may be in the past.
  TimePoint due(const Asker& asker) const;
  void defer(Node& node, Asker& asker, const socketio::AckId& ack, std::string_view literal);
  void enqueue(const Asker& asker);
  void fail(Node& node, const socketio::AckId& ack, node_log::PresenceFault fault);
  void refuse(Node& node, Asker& asker, const socketio::AckId& ack);
  /// Answers a question that was deferred. Returns how many ids it named.
  std::size_t resume(Asker& asker, const Deferred& deferred);
  /// Answers a question or asks the registry. Returns how many ids it named.
  std::size_t serve(Node& node, Asker& asker, const socketio::AckId& ack, std::string_view literal);
  /// Looks up the ids that are `permitted` (empty: all). `bytes`: of the question.
  enum class Rate : std::uint8_t { charged, to_be_charged };
  void look_up(Node& node, Asker& asker, const socketio::AckId& ack,
               std::span<const std::string_view> ids, const std::vector<bool>& permitted,
               std::size_t bytes, Rate rate);
  void charge(Asker& asker, std::size_t ids) const;
  /// The asker of a question whose answer has come, if it is still the node that asked and keeps up
  /// with its answers. It is not counted as its question any more.
  Node* asker_of(const session::SessionHandle& session, std::uint64_t token,
                 const socketio::AckId& ack, std::size_t bytes);

  template <class Ids>
  void answer(Node& asker, const socketio::AckId& ack, const Ids& ids,
              const std::vector<bool>& connected);
  void apply(const modules::Answer& answer, const std::vector<std::size_t>& asked,
             std::vector<bool>& connected) const;

  SharedState& shared_;
  modules::Clients& clients_;
  LocalSessions& sessions_;
  session::SessionContext& context_;
  envelope::EnvelopeReader& reader_;
  TimePoint now_;
  std::size_t budget_ = 0;  // ids, for the rest of this loop iteration

  std::unordered_map<std::uint32_t, Asker> askers_;  // by slot
  // A node that has deferred questions is in one of these, once. It may have ended meanwhile.
  std::deque<session::SessionHandle> ready_;
  std::multimap<TimePoint, session::SessionHandle> due_;
  std::unordered_map<std::uint64_t, Asked> asked_;              // by question
  std::unordered_map<std::uint64_t, Authorizing> authorizing_;  // by question
  std::uint64_t last_question_ = 0;
  std::size_t deferred_ = 0;        // questions
  std::size_t refusals_ = 0;        // deferred ones
  std::size_t bytes_ = 0;           // of all deferred questions
  std::size_t ids_at_modules_ = 0;  // of the questions in asked_ and authorizing_
  PresenceAuthorization authorization_;
  std::string text_;
};

}  // namespace crolang::broker
