#pragma once
/// Asks a session for a sign of life when somebody else wants its id. One probe per session at a
/// time; all who ask share its verdict. Any byte received counts, and bytes that a reader who was
/// behind has taken.
///
/// Threads: one Probes per worker, owning worker only. Time is an argument.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/ports.hpp"
#include "session/session.hpp"

namespace crolang::broker {

class Probes {
 public:
  using Reply = std::function<void(std::int32_t verdict)>;
  using TimePoint = session::TimePoint;

  Probes(LocalSessions& sessions, session::Workbench& bench) : sessions_(sessions), bench_(bench) {}

  /// `timeout` counts for whoever asks first; who joins in shares the rest of it.
  void begin(session::SessionHandle handle, std::uint64_t token, TimePoint now,
             std::chrono::milliseconds timeout, Reply reply);
  /// Bytes came from a session that is watched.
  void on_sign_of_life(session::Session& session);
  /// The session has ended.
  void on_end(session::Session& session);
  void tick(TimePoint now);
  TimePoint deadline() const;

 private:
  struct Probe {
    session::SessionHandle session;
    TimePoint deadline;
    std::optional<std::uint64_t> backlog;  // of a reader who was behind when it was asked
    std::vector<Reply> waiting;
  };

  void settle(std::uint32_t slot, std::int32_t verdict);

  LocalSessions& sessions_;
  session::Workbench& bench_;
  std::unordered_map<std::uint32_t, Probe> probes_;  // by slot
};

}  // namespace crolang::broker
