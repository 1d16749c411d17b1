#pragma once
/// Keeps a repeated fault from flooding the log. Use one Throttle for each fault, or Throttles
/// where there are several reasons, so that a flood of one does not hide the first line about
/// another.
///
///   if (const auto suppressed = throttle.admit(now)) log("…, suppressed: ", *suppressed);
///
/// Threads: any. Errors: none. Time is an argument.

#include <array>
#include <atomic>
#include <chrono>
#include <crolang/enum_count.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace crolang {

class Throttle {
 public:
  constexpr explicit Throttle(std::uint32_t per_second) : per_second_(per_second) {}

  /// std::nullopt: do not log. Else log, and state how many lines were suppressed since the last
  /// one.
  std::optional<std::uint64_t> admit(std::chrono::steady_clock::time_point now) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::uint64_t second = static_cast<std::uint64_t>(seconds) << 32;
    std::uint64_t window = window_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
      const std::uint64_t admitted = (window >> 32 << 32) == second ? window & 0xFFFFFFFFu : 0;
      if (admitted >= per_second_) {
        suppressed_.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
      }
      next = second | (admitted + 1);
    } while (!window_.compare_exchange_weak(window, next, std::memory_order_relaxed));
    return suppressed_.exchange(0, std::memory_order_relaxed);
  }

 private:
  const std::uint32_t per_second_;
  std::atomic<std::uint64_t> window_{0};  // the current second << 32 | lines admitted in it
  std::atomic<std::uint64_t> suppressed_{0};
};

/// `count` throttles, numbered from 0.
template <std::size_t count>
class NumberedThrottles {
 public:
  constexpr explicit NumberedThrottles(std::uint32_t per_second)
      : NumberedThrottles(per_second, std::make_index_sequence<count>()) {}

  std::optional<std::uint64_t> admit(std::size_t number,
                                     std::chrono::steady_clock::time_point now) {
    return each_[number].admit(now);
  }

 private:
  template <std::size_t... indices>
  constexpr NumberedThrottles(std::uint32_t per_second, std::index_sequence<indices...>)
      : each_{((void)indices, Throttle(per_second))...} {}

  std::array<Throttle, count> each_;
};

/// One throttle for each value of an enum whose values are 0, 1, 2 and so on.
template <class Reason>
class Throttles {
 public:
  constexpr explicit Throttles(std::uint32_t per_second) : each_(per_second) {}

  std::optional<std::uint64_t> admit(Reason reason, std::chrono::steady_clock::time_point now) {
    return each_.admit(static_cast<std::size_t>(reason), now);
  }

 private:
  NumberedThrottles<enum_count<Reason>()> each_;
};

}  // namespace crolang
