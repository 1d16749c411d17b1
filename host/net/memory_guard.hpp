#pragma once
/// Confines std::bad_alloc to the operation that needed the memory: it is counted and logged, and
/// the worker continues.
///
/// Threads: one per worker, owning worker only. Time is an argument. Errors: none.

#include <new>

#include "net/timer_wheel.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::net {

class MemoryGuard {
 public:
  explicit MemoryGuard(telemetry::WorkerCounters& counters) : counters_(counters) {}

  /// False: there was no memory for it.
  template <class Function>
  bool try_run(TimePoint now, Function&& function) {
    try {
      function();
      return true;
    } catch (const std::bad_alloc&) {
      report(now);
      return false;
    }
  }
  void report(TimePoint now) noexcept;

 private:
  telemetry::WorkerCounters& counters_;
};

}  // namespace crolang::net
