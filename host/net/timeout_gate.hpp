#pragma once
/// When a worker may judge time-outs. Not while bytes that have arrived are unread, since they may
/// be the very sign of life that was waited for; and not right after the process stood still (it
/// was stopped, its machine was frozen or overloaded), since nobody could reach it meanwhile.
///
/// Threads: one gate per worker, owning worker only. Time is an argument. Errors: none.

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace crolang::net {

class TimeoutGate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// How late a worker may wake up without having stood still.
  static constexpr std::chrono::milliseconds kLate{100};
  /// What was on its way to a process that stood still gets this long, or as long as that lasted.
  static constexpr std::chrono::milliseconds kLeastGrace{1000};
  static constexpr std::chrono::milliseconds kMostGrace{10000};

  /// The worker wakes up; `due` is when it meant to at the latest. `ready` connections are at hand,
  /// of at most `capacity` at a time; `connections` there are in all.
  void wake(TimePoint now, TimePoint due, std::size_t ready, std::size_t capacity,
            std::size_t connections) {
    // Epoll hands out what is ready in turn: after as many as there are, each has been read from
    // that was ready at the beginning.
    handed_out_ += ready;
    caught_up_ = ready < capacity || handed_out_ > connections;
    if (caught_up_) handed_out_ = 0;
    // Once only until time-outs have been judged again: who is always late must judge, too.
    if (forgives_ || due >= now - kLate) return;
    forgives_ = true;
    const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(now - due);
    until_ = now + std::clamp(late, kLeastGrace, kMostGrace);
  }

  bool may_judge(TimePoint now) {
    if (!caught_up_ || (forgives_ && now < until_)) return false;
    forgives_ = false;
    return true;
  }

  /// When to wake up for time-outs of which the first is at `due`.
  TimePoint next(TimePoint now, TimePoint due) const {
    if (!caught_up_) return now;
    return forgives_ ? std::max(due, until_) : due;
  }

 private:
  TimePoint until_;
  std::size_t handed_out_ = 0;
  bool caught_up_ = true;
  bool forgives_ = false;
};

}  // namespace crolang::net
