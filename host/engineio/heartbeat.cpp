#include "engineio/heartbeat.hpp"

namespace crolang::engineio {

Heartbeat::Action Heartbeat::tick(TimePoint now, const Timing& timing) noexcept {
  if (now < deadline_) return Action::none;
  if (pong_due_) return Action::timed_out;
  pong_due_ = true;
  deadline_ = now + timing.ping_timeout;
  return Action::send_ping;
}

void Heartbeat::on_pong(TimePoint now, const Timing& timing) noexcept {
  pong_due_ = false;
  deadline_ = now + timing.ping_interval;
}

void Heartbeat::extend(TimePoint now, const Timing& timing) noexcept {
  if (pong_due_) deadline_ = now + timing.ping_timeout;
}

}  // namespace crolang::engineio
