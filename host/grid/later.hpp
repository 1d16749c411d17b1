#pragma once
/// A value that another thread provides, for a thread that waits no longer than it wants to.
/// Threads: any. Shared by both sides, since either may be the last to need it.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace crolang::grid {

template <class Value>
class Later {
 public:
  void set(Value value) {
    {
      const std::lock_guard lock(mutex_);
      value_ = std::move(value);
    }
    changed_.notify_all();
  }

  /// nullopt: it has not come by then.
  std::optional<Value> wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [this] { return value_.has_value(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;  // guards value_
  std::condition_variable changed_;
  std::optional<Value> value_;
};

}  // namespace crolang::grid
