#pragma once
/// How much memory the process may use, and how much of it is left.
///
/// What counts is the anonymous resident memory of the whole process, plugins included, since that
/// is what the kernel's OOM killer goes by. It is measured from time to time: workers report the
/// bytes that they receive (`note`), and after each fraction of the limit it is measured again.
///
/// Threads: any. Errors: where /proc cannot be read, memory counts as ample.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace crolang::process {

class MemoryBudget {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Level : std::uint8_t {
    ample,
    scarce,     ///< no new node is admitted
    exhausted,  ///< the connections that hold most are closed
  };

  /// `limit` in bytes.
  explicit MemoryBudget(std::uint64_t limit);

  std::uint64_t limit() const noexcept { return limit_; }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  /// Bytes beyond the limit.
  std::uint64_t excess() const noexcept;
  Level level() const noexcept;

  /// Reports that `bytes` were received. True: memory was measured.
  bool note(std::uint64_t bytes);
  /// Measures if the last measurement is too old.
  void refresh(TimePoint now);
  void measure();
  /// About `bytes` have just been freed, but not returned to the system yet: subtracts them until
  /// the next measurement.
  void subtract_freed(std::uint64_t bytes) noexcept;
  /// Returns freed memory to the system, which takes a while, and then measures.
  void trim(TimePoint now);
  /// As trim, but returns memory to the system only if the last trim is two seconds ago or more;
  /// measures in any case.
  void trim_if_due(TimePoint now);

 private:
  const std::uint64_t limit_;
  const std::uint64_t quantum_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> noted_{0};
  std::atomic<std::int64_t> measure_at_{0};  // ticks of the steady clock
  std::atomic<std::int64_t> trim_at_{0};
};

/// The default of MAX_MEMORY_BYTES: three quarters of the cgroup's limit (the tightest on the way
/// to the root, v1 or v2), else half of the machine's memory. `root` is where /proc and /sys are:
/// "/" but for tests.
std::uint64_t default_memory_budget(const std::string& root = "/");

}  // namespace crolang::process
