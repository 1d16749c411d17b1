#include "engineio/heartbeat.hpp"

#include <algorithm>

namespace crolang::engineio {

Heartbeat::Action Heartbeat::tick(TimePoint now, const Timing& timing) noexcept {
  if (now < deadline_) return Action::none;
  if (pong_due_) return Action::timed_out;
  pong_due_ = true;
  extended_ = false;
  deadline_ = now + timing.ping_timeout;
  return Action::send_ping;
}

void Heartbeat::on_pong(TimePoint now, const Timing& timing) noexcept {
  if (pong_due_ && !extended_) {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        now - (deadline_ - timing.ping_timeout));
    round_trip_us_ = static_cast<std::uint32_t>(
        std::clamp<std::chrono::microseconds::rep>(took.count(), 0, kNone - 1));
  }
  pong_due_ = false;
  deadline_ = now + timing.ping_interval;
}

void Heartbeat::extend(TimePoint now, const Timing& timing) noexcept {
  if (!pong_due_) return;
  extended_ = true;
  deadline_ = now + timing.ping_timeout;
}

}  // namespace crolang::engineio
