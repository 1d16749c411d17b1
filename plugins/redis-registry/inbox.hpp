#pragma once
/// Hands values from any thread to the one that polls a descriptor. A burst costs one wake-up, or
/// none if who has put it there does that thread's work.

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

  /// Thread: any. If it throws std::bad_alloc, the value is as it was.
  void push(Value&& value) {
    bool asleep = false;
    {
      const std::lock_guard lock(mutex_);
      values_.push_back(std::move(value));
      asleep = std::exchange(asleep_, false);
    }
    if (asleep) wake();
  }

  /// Thread: any. The value is there, and nobody knows. If it throws std::bad_alloc, the value is
  /// as it was.
  void put(Value&& value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }

  /// Thread: any. Wakes the descriptor for what was put.
  void rouse() {
    bool asleep = false;
    {
      const std::lock_guard lock(mutex_);
      asleep = !values_.empty() && std::exchange(asleep_, false);
    }
    if (asleep) wake();
  }

  /// Thread: any. Wakes the descriptor though nothing has come.
  void wake() {
    const std::uint64_t one = 1;
    while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

  // What follows is for the thread that polls, or does its work while it waits.

  int descriptor() const { return wake_; }

  /// Swaps what has come into `out`, which must be empty.
  void take(std::vector<Value>& out) {
    const std::lock_guard lock(mutex_);
    out.swap(values_);
    asleep_ = false;
  }

  /// True: nothing is there, and the next value will wake the descriptor.
  bool fall_asleep() {
    const std::lock_guard lock(mutex_);
    asleep_ = values_.empty();
    return asleep_;
  }

  /// It is awake, by the descriptor or for another reason.
  void wake_up(bool by_descriptor) {
    if (by_descriptor) {
      std::uint64_t count = 0;
      while (::read(wake_, &count, sizeof count) < 0 && errno == EINTR) {
      }
    }
    const std::lock_guard lock(mutex_);
    asleep_ = false;
  }

 private:
  const int wake_;
  std::mutex mutex_;  // guards what follows
  std::vector<Value> values_;
  bool asleep_ = false;
};

}  // namespace crolang::redis_registry
