#pragma once
/// When the sessions of one worker end that may only stay for a limited time, and why. Sessions
/// without a limit are not stored and cost nothing; with one, a session takes 28 bytes here.
///
/// Threads: owning worker only. Time is an argument. Errors: std::bad_alloc from set, with nothing
/// changed.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "session/end.hpp"
#include "session/handle.hpp"

namespace crolang::broker {

class SessionExpiry {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Expired {
    session::SessionHandle session;
    session::EndReason reason;
    bool operator==(const Expired&) const = default;
  };

  /// Replaces an earlier expiry time of this session.
  void set(session::SessionHandle session, TimePoint when, session::EndReason reason);
  /// Does nothing if the session has no expiry time.
  void erase(session::SessionHandle session) noexcept;
  /// Removes and returns a session that has expired, the earliest first.
  std::optional<Expired> take_due(TimePoint now) noexcept;
  /// TimePoint::max(): never.
  TimePoint deadline() const noexcept { return heap_.empty() ? TimePoint::max() : heap_[0].when; }
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  struct Entry {
    TimePoint when;
    session::SessionHandle session;
    session::EndReason reason;
  };

  void put(std::size_t place, const Entry& entry) noexcept;
  /// Moves the entry, which need not be stored yet, from this place to where it belongs.
  void sift(std::size_t place, const Entry& entry) noexcept;
  void remove(std::size_t place) noexcept;

  std::vector<Entry> heap_;            // a binary heap, the earliest first
  std::vector<std::uint32_t> places_;  // by slot: 1 + the place in heap_; 0: none
};

/// A time between `from` and `until`, at most a `share`th of the distance before `until`, so that
/// sessions that began together do not end together. `random`: any number, evenly distributed.
SessionExpiry::TimePoint some_time_before(SessionExpiry::TimePoint until,
                                          SessionExpiry::TimePoint from, int share,
                                          std::uint64_t random) noexcept;

}  // namespace crolang::broker
