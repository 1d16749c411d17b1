#pragma once
/// How many ids a request may hold. After a 413 (RFC 9110 15.5.14) requests hold half as many ids,
/// and after a while as many as before, since the server's limit may have been raised. Time is an
/// argument. Threads: any. Errors: none.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <mutex>

namespace crolang::webhook_common {

class PageSize {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kWhile{10};

  std::size_t now(TimePoint time) {
    const std::lock_guard lock(mutex_);
    if (time >= until_) most_ = kAny;
    return most_;
  }

  /// A request of `too_many` ids was refused. Precondition: at least 2. Returns the new limit.
  std::size_t halve(std::size_t too_many, TimePoint time) {
    const std::lock_guard lock(mutex_);
    if (time >= until_) most_ = kAny;
    most_ = std::min(most_, too_many / 2);
    until_ = time + kWhile;
    return most_;
  }

 private:
  static constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

  std::mutex mutex_;  // guards what follows
  std::size_t most_ = kAny;
  TimePoint until_{};
};

}  // namespace crolang::webhook_common
