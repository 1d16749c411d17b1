/// Decides when to ping a client and when to close its connection (Engine.IO protocol 4: the server
/// pings). Only pongs count as answers; other traffic doesn't.
/// Threads: owned by one session. Errors: none. Time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace crolang::engineio {

using TimePoint = std::chrono::steady_clock::time_point;

/// Kept once per process, not per session.
struct Timing {
  std::chrono::milliseconds ping_interval;
  std::chrono::milliseconds ping_timeout;
};

class Heartbeat {
 public:
  enum class Action : std::uint8_t {
    none,
    send_ping,  ///< Send it now: the timeout of its pong runs from this tick.
    timed_out,  ///< Close the transport.
  };

  /// Starts when the open packet is sent.
  Heartbeat(TimePoint now, const Timing& timing) noexcept : deadline_(now + timing.ping_interval) {}

  /// What to do now; none before `deadline()`.
  [[nodiscard]] Action tick(TimePoint now, const Timing& timing) noexcept;

  /// Any pong restarts the interval, also an unsolicited one. Returns the time since the ping that
  /// it answers; nullopt: none was due, or its timeout was extended, so that nobody knows when the
  /// ping left.
  std::optional<std::chrono::nanoseconds> on_pong(TimePoint now, const Timing& timing) noexcept;

  /// Restarts the timeout of a pong that is due: the ping is still queued in our own outbox,
  /// behind data that a slow client is reading, so the client cannot have answered it. Otherwise no
  /// effect.
  void extend(TimePoint now, const Timing& timing) noexcept;

  /// The time at which `tick` next returns an action.
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }

  /// What on_pong returned last; nullopt: it has not been measured yet.
  [[nodiscard]] std::optional<std::chrono::microseconds> last_round_trip() const noexcept {
    if (last_round_trip_us_ == kUnknown) return std::nullopt;
    return std::chrono::microseconds(last_round_trip_us_);
  }

 private:
  static constexpr std::uint32_t kUnknown = ~std::uint32_t{0};

  TimePoint deadline_;
  std::uint32_t last_round_trip_us_ = kUnknown;
  bool pong_due_ = false;
  bool extended_ = false;  // the timeout of the pong that is due
};

static_assert(sizeof(Heartbeat) <= 16, "every idle node holds one");

}  // namespace crolang::engineio
