#pragma once
/// How much of the time of a call was the plugin's own: it computed or waited. The rest the thread
/// was ready to run while others ran, for which a busy machine is to blame and not the plugin.
///
/// The kernel sums that rest up for each thread (proc_pid_schedstat(5)), and reading the sum before
/// every call would cost more than many calls. So it is read ten times a second at most, which does
/// where nobody else wants the processor. Where somebody does, that leaves open when the thread has
/// waited: then nobody is blamed, and for a while it is read before every call, so that the next
/// slow one is judged by its own time alone.
///
/// Threads: that of the calls, and no other. Errors: a system that does not tell counts as idle.

#include <chrono>
#include <cstdint>
#include <optional>

namespace crolang::modules {

class OwnTime {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  OwnTime() = default;
  ~OwnTime();
  OwnTime(const OwnTime&) = delete;
  OwnTime& operator=(const OwnTime&) = delete;

  // Hot: before each call.
  void before_call(TimePoint now) {
    if (now >= due_) sample(now);
  }
  /// Of a call that took so long that it matters: at least this much of it was the plugin's own;
  /// all of it, or nearly, if nobody else ran.
  Duration of_call(TimePoint before, TimePoint after);
  /// The call is not blamed: the next ones are looked at more closely.
  void watch_closely(TimePoint now);

 private:
  void sample(TimePoint now);
  std::optional<Duration> read();

  int file_ = -1;
  std::optional<Duration> waited_;  // to run, until the last sample
  TimePoint due_ = TimePoint::min();
  TimePoint close_until_ = TimePoint::min();
};

}  // namespace crolang::modules
