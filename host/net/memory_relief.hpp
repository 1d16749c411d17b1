#pragma once
/// Ends the connections of a worker that hold the most memory, the largest first, once the process
/// exceeds its memory limit.
///
/// Threads: one per worker, owning worker only. Time is an argument. Errors: std::bad_alloc.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "process/memory_budget.hpp"
#include "session/handle.hpp"

namespace crolang::net {

class MemoryRelief {
 public:
  using TimePoint = process::MemoryBudget::TimePoint;

  struct Holder {
    std::size_t bytes = 0;
    session::SessionHandle connection;
  };
  /// Connections that hold less are not ended.
  static constexpr std::size_t kMinHeldBytes = 4 * 1024;

  /// Memory is exhausted, and the last relief was long enough ago for all workers to have reported
  /// what they hold. True once for each relief.
  bool is_due(const process::MemoryBudget& memory, TimePoint now) noexcept {
    if (memory.level() != process::MemoryBudget::Level::exhausted || now < next_) return false;
    next_ = now + kBetweenReliefs;
    return true;
  }

  enum class Outcome : std::uint8_t { freed, nothing_freed };
  /// Calls `end` for the connections that hold about as much as the largest of all workers, until
  /// enough memory is released. `holders`: the largest first.
  Outcome relieve(process::MemoryBudget& memory, const std::vector<Holder>& holders,
                  std::size_t largest_of_all, const std::function<void(const Holder&)>& end);
  /// Returns freed memory to the system. Call it once the ended connections are destroyed.
  void return_freed(process::MemoryBudget& memory, Outcome outcome, TimePoint now);

 private:
  static constexpr std::chrono::milliseconds kBetweenReliefs{10};

  TimePoint next_;  // not before
};

/// Logs that this connection was closed to free memory, with its node. Any thread.
void log_relief(const process::MemoryBudget& memory, const MemoryRelief::Holder& holder,
                std::string_view node, MemoryRelief::TimePoint now);

}  // namespace crolang::net
