#include "telemetry/throttle.hpp"

namespace crolang::telemetry {

std::optional<std::uint64_t> Throttle::admit(std::chrono::steady_clock::time_point now) {
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

}  // namespace crolang::telemetry
