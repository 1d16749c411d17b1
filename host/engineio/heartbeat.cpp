#include "engineio/heartbeat.hpp"

#include <algorithm>
#include <utility>

namespace crolang::engineio {

Heartbeat::Action Heartbeat::tick(TimePoint now, const Timing& timing) noexcept {
  if (now < deadline_) return Action::none;
  if (pong_due_) return Action::timed_out;
  pong_due_ = true;
  extended_ = false;
  deadline_ = now + timing.ping_timeout;
  return Action::send_ping;
}

std::optional<std::chrono::nanoseconds> Heartbeat::on_pong(TimePoint now,
                                                           const Timing& timing) noexcept {
  const bool measured = std::exchange(pong_due_, false) && !extended_;
  const TimePoint pinged = deadline_ - timing.ping_timeout;
  deadline_ = now + timing.ping_interval;
  if (!measured) return std::nullopt;
  const auto microseconds = std::chrono::floor<std::chrono::microseconds>(now - pinged).count();
  last_round_trip_us_ =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(microseconds, 0, kUnknown - 1));
  return now - pinged;
}

void Heartbeat::extend(TimePoint now, const Timing& timing) noexcept {
  if (!pong_due_) return;
  deadline_ = now + timing.ping_timeout;
  extended_ = true;
}

}  // namespace crolang::engineio
