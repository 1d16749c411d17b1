/// Keeps a fault that repeats from flooding the log: one Throttle per place that logs, usually a
/// function-local static; Throttles where a place has several reasons, so that a flood for one of
/// them does not hide the first line about another.
///
///   static Throttle throttle{5};
///   if (const auto suppressed = throttle.admit(now)) log::fault("…", {{"suppressed",
///   *suppressed}});
///
/// Threads: any. Errors: none. Time is an argument.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

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

/// One for each value of an enum from 0 to below `count`.
template <class Reason, std::size_t count>
class Throttles {
 public:
  constexpr explicit Throttles(std::uint32_t per_second)
      : Throttles(per_second, std::make_index_sequence<count>()) {}

  std::optional<std::uint64_t> admit(Reason reason, std::chrono::steady_clock::time_point now) {
    return each_[static_cast<std::size_t>(reason)].admit(now);
  }

 private:
  template <std::size_t... indices>
  constexpr Throttles(std::uint32_t per_second, std::index_sequence<indices...>)
      : each_{((void)indices, Throttle(per_second))...} {}

  std::array<Throttle, count> each_;
};

}  // namespace crolang::telemetry
