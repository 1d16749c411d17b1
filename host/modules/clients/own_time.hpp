#pragma once
/// Measures how much of a call's duration the plugin itself used, by computing or waiting. For the
/// rest the thread was runnable while other threads ran, which is due to a busy machine and not to
/// the plugin.
///
/// The kernel accumulates that run delay for each thread (proc_pid_schedstat(5)). Reading it before
/// every call would cost more than many calls, so it is read at most ten times a second, which
/// suffices while the processor is not contended. If it is, the sample does not show during which
/// call the thread was delayed: that call is not reported, and for a while the delay is read often
/// enough that the next slow call is measured individually.
///
/// Threads: the calling thread only. Errors: if the system does not provide the value, it counts as
/// idle.

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
  /// A call that took less cannot have blocked its thread.
  static constexpr auto kSlow = std::chrono::milliseconds(5);
  /// Of a call that took kSlow or longer: the plugin's own time, if that was as long. Nothing:
  /// other threads ran, and the next calls are measured individually.
  std::optional<std::chrono::milliseconds> blocked_for(TimePoint before, TimePoint after);

 private:
  /// A lower bound of the plugin's own time in a slow call; nearly exact if no other thread ran.
  Duration of_call(TimePoint before, TimePoint after);
  void sample(TimePoint now);
  std::optional<Duration> read();

  int file_ = -1;
  std::optional<Duration> waited_;  // to run, until the last sample
  TimePoint due_ = TimePoint::min();
  TimePoint close_until_ = TimePoint::min();
};

}  // namespace crolang::modules
