/// Keeps a fault that repeats from flooding the log: one Throttle per place that logs, usually a
/// function-local static.
///
///   static Throttle throttle{5};
///   if (const auto suppressed = throttle.admit(now)) log::fault("…", {{"suppressed",
///   *suppressed}});
///
/// Threads: any. Errors: none. Time is an argument.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace crolang::telemetry {

class Throttle {
 public:
  constexpr explicit Throttle(std::uint32_t per_second) : per_second_(per_second) {}

  /// Nothing: stay silent. Else log, and say how many times it was silent since the last line.
  std::optional<std::uint64_t> admit(std::chrono::steady_clock::time_point now);

 private:
  const std::uint32_t per_second_;
  std::atomic<std::uint64_t> window_{0};  // the second it counts for << 32 | lines admitted in it
  std::atomic<std::uint64_t> suppressed_{0};
};

}  // namespace crolang::telemetry
