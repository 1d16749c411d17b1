#pragma once
/// Passes values from any thread to the one that polls a descriptor. A burst costs one wake-up, or
/// none if the thread that puts them does the polling thread's work itself.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace crolang::redis_registry {

template <class Value>
class Inbox {
 public:
  /// Throws std::runtime_error if the system has no descriptor left.
  Inbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wake_ < 0) throw std::runtime_error("no descriptor left for an eventfd");
  }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() { ::close(wake_); }

  /// Thread: any. If it throws std::bad_alloc, the value is unchanged.
  void push(Value&& value) {
    bool sleeping = false;
    {
      const std::lock_guard lock(mutex_);
      values_.push_back(std::move(value));
      sleeping = std::exchange(sleeping_, false);
    }
    if (sleeping) wake();
  }

  /// Thread: any. Does not wake the polling thread. If it throws std::bad_alloc, the value is
  /// unchanged.
  void put(Value&& value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }

  /// Thread: any. Makes the descriptor readable if there are values.
  void wake_if_filled() {
    bool sleeping = false;
    {
      const std::lock_guard lock(mutex_);
      sleeping = !values_.empty() && std::exchange(sleeping_, false);
    }
    if (sleeping) wake();
  }

  /// Thread: any. Makes the descriptor readable even if there are no values.
  void wake() {
    const std::uint64_t one = 1;
    while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

  // The following functions are for the polling thread, or a thread that does its work meanwhile.

  int descriptor() const { return wake_; }

  /// Swaps the values into `out`, which must be empty.
  void take(std::vector<Value>& out) {
    const std::lock_guard lock(mutex_);
    out.swap(values_);
    sleeping_ = false;
  }

  /// Call it before waiting for the descriptor. True: there are no values, and the next push will
  /// make the descriptor readable.
  bool prepare_sleep() {
    const std::lock_guard lock(mutex_);
    sleeping_ = values_.empty();
    return sleeping_;
  }

  /// The polling thread runs again, because of the descriptor or for another reason.
  void wake_up(bool by_descriptor) {
    if (by_descriptor) {
      std::uint64_t count = 0;
      while (::read(wake_, &count, sizeof count) < 0 && errno == EINTR) {
      }
    }
    const std::lock_guard lock(mutex_);
    sleeping_ = false;
  }

 private:
  const int wake_;
  std::mutex mutex_;  // guards what follows
  std::vector<Value> values_;
  bool sleeping_ = false;
};

}  // namespace crolang::redis_registry
