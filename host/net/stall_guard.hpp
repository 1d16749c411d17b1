#pragma once
/// Decides when a worker may check timeouts: not while bytes that have arrived are unread, since
/// they may be the expected answer; and not right after the process was suspended (stopped, or its
/// machine frozen or overloaded), since no node could reach it meanwhile.
///
/// Threads: one per worker, owning worker only. Time is an argument. Errors: none.

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace crolang::net {

class StallGuard {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A worker that wakes up later than this is taken to have been suspended.
  static constexpr std::chrono::milliseconds kLate{100};
  /// After a suspension timeouts are not checked for as long as it lasted, within these bounds.
  static constexpr std::chrono::milliseconds kMinGrace{1000};
  static constexpr std::chrono::milliseconds kMaxGrace{10000};

  /// Called when the worker wakes up. `due`: when it was to wake up at the latest; `ready`: how
  /// many connections epoll reports, of at most `capacity` at a time; `connections`: of the worker
  /// in all.
  void wake(TimePoint now, TimePoint due, std::size_t ready, std::size_t capacity,
            std::size_t connections) {
    // epoll reports ready connections in rotation: after as many reports as there are connections,
    // each one that was ready at the beginning has been read from.
    reported_ += ready;
    caught_up_ = ready < capacity || reported_ > connections;
    if (caught_up_) reported_ = 0;
    // Only once until timeouts have been checked again, so that a worker that is always late still
    // checks them.
    if (in_grace_ || due >= now - kLate) return;
    in_grace_ = true;
    const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(now - due);
    until_ = now + std::clamp(late, kMinGrace, kMaxGrace);
  }

  bool may_check(TimePoint now) {
    if (!caught_up_ || (in_grace_ && now < until_)) return false;
    in_grace_ = false;
    return true;
  }

  /// When to wake up for timeouts of which the first is at `due`.
  TimePoint next(TimePoint now, TimePoint due) const {
    if (!caught_up_) return now;
    return in_grace_ ? std::max(due, until_) : due;
  }

 private:
  TimePoint until_;
  std::size_t reported_ = 0;
  bool caught_up_ = true;
  bool in_grace_ = false;
};

}  // namespace crolang::net
