#pragma once
/// Answers ARE_NODES_CONNECTED_TO_BROKER: this instance's nodes from the directory, the others in
/// one look-up.
///
/// One question may be about a thousand ids, so what they cost is bounded: a worker looks at so
/// many ids in one of its turns, so many are at the registry, and each node has so many of them
/// looked up per second (a burst of one second is free). What comes faster waits, nodes taking
/// turns; what finds no more room is answered ERROR without being read, and behind what waits, as
/// far as that waits for its turn only.
///
/// Threads: one Presence per worker, owning worker only. Time is an argument.

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/grid.hpp"
#include "broker/node_log.hpp"
#include "broker/ports.hpp"
#include "envelope/envelope.hpp"
#include "modules/clients/clients.hpp"
#include "session/session.hpp"

namespace crolang::broker {

/// Questions of one node under way, and of all nodes of a worker, with their bytes.
inline constexpr std::size_t kMaxQuestionsOfNode = 32;
inline constexpr std::size_t kMaxQuestions = 4096;
/// Refusals of a worker that wait behind questions.
inline constexpr std::size_t kMaxRefusals = 65'536;
inline constexpr std::size_t kMaxQuestionBytes = std::size_t{16} << 20;
/// Ids of a worker that are at the registry. One question may exceed it.
inline constexpr std::size_t kMaxIdsAtRegistry = 16'384;
/// Ids that a worker looks at in a turn: of nodes that have nothing waiting, as they come, and of
/// those that have.
inline constexpr std::size_t kIdsPerTurn = 4096;
inline constexpr std::size_t kDeferredIdsPerTurn = 1024;

class Presence final : public modules::AnswerSink {
 public:
  using TimePoint = session::TimePoint;

  Presence(Grid& grid, modules::Clients& clients, LocalSessions& sessions,
           session::Workbench& bench, envelope::EnvelopeReader& reader)
      : grid_(grid), clients_(clients), sessions_(sessions), bench_(bench), reader_(reader) {}

  /// At the start of each turn of the worker.
  void set_now(TimePoint now) {
    now_ = now;
    budget_ = kIdsPerTurn;
  }
  void on_event(session::Session& asker, const socketio::Packet& packet);
  void on_answer(const modules::Waiter& waiter, const modules::Answer& answer) override;
  /// What it has asked is dropped.
  void on_end(session::Session& asker);
  /// At the end of each turn: answers some of what waits.
  void tick();
  TimePoint deadline() const;

 private:
  /// A question that waits for its turn, or, with an empty literal, a refusal.
  struct Deferred {
    std::uint64_t token;  // see Asked
    socketio::AckId ack;
    std::string literal;
  };
  /// A question that waits for the registry.
  struct Asked {
    session::SessionHandle asker;
    std::uint64_t
        token;  // of the lease it asked under: who has joined anew does not wait for this answer
    socketio::AckId ack;
    std::vector<std::string> ids;
    std::vector<bool> connected;
    std::vector<std::size_t> asked;  // which of ids the registry was asked about
    std::size_t bytes;               // of the question
  };
  /// A node that has asked since it connected.
  struct Asker {
    session::SessionHandle session;
    TimePoint paid_until{};  // by its rate, all it had looked up would have taken until then
    std::list<Deferred> deferred;
    std::size_t questions = 0;  // deferred, or at the registry
    std::size_t bytes = 0;      // of these
  };

  Asker* find(const session::SessionHandle& session);
  bool has_room(const Asker& asker, std::size_t bytes) const;
  /// When its rate lets it ask again, perhaps long ago.
  TimePoint due(const Asker& asker) const;
  void defer(session::Session& session, Asker& asker, const socketio::AckId& ack,
             std::string_view literal);
  void enqueue(const Asker& asker);
  void fail(session::Session& session, const socketio::AckId& ack, node_log::PresenceFault fault);
  void refuse(session::Session& session, Asker& asker, const socketio::AckId& ack);
  /// What was deferred is not any more. Returns how many ids it was about.
  std::size_t settle(Asker& asker, const Deferred& deferred);
  /// Returns how many ids it was about.
  std::size_t serve(session::Session& session, Asker& asker, const socketio::AckId& ack,
                    std::string_view literal);
  void charge(Asker& asker, std::size_t ids) const;

  template <class Ids>
  void answer(session::Session& asker, const socketio::AckId& ack, const Ids& ids,
              const std::vector<bool>& connected);
  void apply(const modules::Answer& answer, const std::vector<std::size_t>& asked,
             std::vector<bool>& connected) const;

  Grid& grid_;
  modules::Clients& clients_;
  LocalSessions& sessions_;
  session::Workbench& bench_;
  envelope::EnvelopeReader& reader_;
  TimePoint now_;
  std::size_t budget_ = 0;  // ids, for the rest of this turn

  std::unordered_map<std::uint32_t, Asker> askers_;  // by slot
  // Those that have something deferred stand in one of these, once. Some may have ended.
  std::deque<session::SessionHandle> ready_;
  std::multimap<TimePoint, session::SessionHandle> due_;
  std::unordered_map<std::uint64_t, Asked> asked_;  // by question
  std::uint64_t last_question_ = 0;
  std::size_t deferred_ = 0;         // questions
  std::size_t refusals_ = 0;         // that are deferred
  std::size_t bytes_ = 0;            // of all questions that are
  std::size_t ids_at_registry_ = 0;  // of asked_
  std::string text_;
};

}  // namespace crolang::broker
