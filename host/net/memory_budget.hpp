#pragma once
/// How much memory the process may use, and how much of it is left.
///
/// What counts is the anonymous resident memory of the whole process, plugins included, since that
/// is what the kernel kills for. It is looked at now and then: whoever takes bytes in says how many
/// (`note`), and after each share of the limit it is looked at anew.
///
/// Threads: any. Errors: where /proc cannot be read, memory counts as ample.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace crolang::net {

class MemoryBudget {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Level : std::uint8_t {
    ample,
    scarce,     ///< nobody new is let in
    exhausted,  ///< whoever holds most has to go
  };

  /// `limit` in bytes.
  explicit MemoryBudget(std::uint64_t limit);

  std::uint64_t limit() const noexcept { return limit_; }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  /// Bytes beyond the limit.
  std::uint64_t excess() const noexcept;
  Level level() const noexcept;

  /// So many bytes were taken in. True: it was looked at anew.
  bool note(std::uint64_t bytes);
  /// Looks at it anew if the last time is long ago.
  void refresh(TimePoint now);
  void measure();
  /// About so many bytes have just been given up, though the system has not got them back yet: they
  /// count no more until it is measured.
  void forget(std::uint64_t bytes) noexcept;
  /// Freed memory goes back to the system, which takes a moment. Then measures.
  void trim(TimePoint now);
  /// The same where little was freed: seldom.
  void trim_seldom(TimePoint now);

 private:
  const std::uint64_t limit_;
  const std::uint64_t quantum_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> noted_{0};
  std::atomic<std::int64_t> measure_at_{0};  // ticks of the steady clock
  std::atomic<std::int64_t> trim_at_{0};
};

/// What MAX_MEMORY_BYTES is if nobody sets it: three quarters of the cgroup's limit (the tightest
/// on the way to the root, v1 or v2), else half of the machine's memory. `root` is where /proc and
/// /sys are: "/" but for tests.
std::uint64_t default_memory_budget(const std::string& root = "/");

}  // namespace crolang::net
