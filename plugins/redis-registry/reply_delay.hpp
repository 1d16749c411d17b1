#pragma once
/// When a reply to another broker waits for the next message to it, so that both go together: where
/// messages to it are frequent. No IO; time is an argument. Threads: one at a time.

#include <algorithm>
#include <chrono>
#include <utility>

namespace crolang::redis_registry {

/// How long a reply waits for a message to the same broker, if one is likely by then.
inline constexpr std::chrono::milliseconds kReplyDelay{4};
/// For how long no reply is delayed after a delay was in vain, unless that was an exception: a node
/// that sends nothing until it has its reply must not be delayed again and again. Twice as long
/// after each further one.
inline constexpr std::chrono::milliseconds kFirstPause{10};
inline constexpr std::chrono::milliseconds kLongestPause{100};

class ReplyDelay {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A message is sent.
  void on_message(TimePoint now) {
    interval_ = (interval_ * 7 + std::min<Duration>(now - last_message_, kLongestInterval)) / 8;
    last_message_ = now;
  }
  /// Replies were delayed, and now go with a message.
  void on_success() { has_succeeded_ = true; }
  /// Replies were delayed, and no message came.
  void on_vain(TimePoint now) {
    if (std::exchange(has_succeeded_, false)) {
      pause_ = kFirstPause;
    } else {
      no_delay_until_ = now + pause_;
      pause_ = std::min<Duration>(2 * pause_, kLongestPause);
    }
  }
  bool may_delay(TimePoint now) const {
    return interval_ < kReplyDelay && now - last_message_ < kReplyDelay && now >= no_delay_until_;
  }
  /// There is nothing to remember.
  bool is_idle(TimePoint now) const {
    return now >= no_delay_until_ && now - last_message_ >= kLongestInterval;
  }

 private:
  using Duration = TimePoint::duration;
  // If the interval between messages is longer, messages are not frequent.
  static constexpr std::chrono::milliseconds kLongestInterval{1000};

  TimePoint last_message_{};
  Duration interval_ = kLongestInterval;  // smoothed
  TimePoint no_delay_until_{};
  Duration pause_ = kFirstPause;  // after the next one in vain
  bool has_succeeded_ = false;    // since the last one in vain
};

}  // namespace crolang::redis_registry
