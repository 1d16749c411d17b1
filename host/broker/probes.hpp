#pragma once
/// Probes whether a session is alive when another node (the newcomer) claims its id. There is at
/// most one probe per session at a time, and all newcomers share its result. The session counts as
/// alive as soon as a byte arrives from it, or its TCP acknowledges bytes that were queued for it.
///
/// Threads: one Probes per worker, owning worker only. Time is an argument.

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/command.hpp"
#include "broker/node.hpp"
#include "broker/ports.hpp"

namespace crolang::broker {

class Probes {
 public:
  using Reply = ProbeReply;
  using TimePoint = session::TimePoint;

  Probes(LocalSessions& sessions, session::SessionContext& context)
      : sessions_(sessions), context_(context) {}

  /// `timeout` counts only if no probe of this session is in progress.
  void begin(session::SessionHandle handle, std::uint64_t token, TimePoint now,
             std::chrono::milliseconds timeout, Reply reply);
  /// Bytes arrived from a session that is being probed.
  void on_activity(Node& node);
  /// The session has ended.
  void on_end(Node& node);
  void tick(TimePoint now);
  TimePoint deadline() const;

 private:
  struct Probe {
    session::SessionHandle session;
    TimePoint deadline;
    std::optional<std::uint64_t> acked;  // LocalSessions::bytes_acked_while_queued at the beginning
    std::vector<Reply> waiting;
  };

  void finish(std::uint32_t slot, std::int32_t result);

  LocalSessions& sessions_;
  session::SessionContext& context_;
  std::unordered_map<std::uint32_t, Probe> probes_;  // by slot
};

}  // namespace crolang::broker
