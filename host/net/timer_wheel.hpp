#pragma once
/// Deadlines of many connections, one each: setting and moving one takes constant time, whatever
/// their number. A deadline fires up to one tick late, never early.
///
/// Threads: one wheel per worker, owning worker only. Time is an argument. A TimerNode is part of
/// the object that it times, and must be cancelled before it is destroyed.

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace crolang::net {

using TimePoint = std::chrono::steady_clock::time_point;

struct TimerNode {
  TimerNode* previous = nullptr;
  TimerNode* next = nullptr;
  TimePoint due = TimePoint::max();
  std::uint32_t bucket = 0;

  bool armed() const noexcept { return previous != nullptr; }
};

class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{10};

  explicit TimerWheel(TimePoint now) : origin_(now) {
    for (TimerNode& head : heads_) head.previous = head.next = &head;
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Sets or moves the deadline; TimePoint::max() cancels.
  void schedule(TimerNode& node, TimePoint due) {
    if (node.armed() && node.due == due) return;
    cancel(node);
    if (due == TimePoint::max()) return;
    node.due = due;
    // Rounded up, so that it never fires early, and never into the bucket that has just been
    // emptied.
    std::uint64_t tick = tick_of(due) + 1;
    if (tick <= current_) tick = current_ + 1;
    insert(node, static_cast<std::uint32_t>(tick % kBuckets));
  }

  void cancel(TimerNode& node) {
    if (!node.armed()) return;
    node.previous->next = node.next;
    node.next->previous = node.previous;
    node.previous = node.next = nullptr;
    TimerNode& head = heads_[node.bucket];
    if (head.next == &head) occupied_[node.bucket / 64] &= ~(std::uint64_t{1} << node.bucket % 64);
  }

  /// Calls `fire(TimerNode&)` for every node that is due. The node is disarmed; `fire` may schedule
  /// and cancel any node.
  template <class Fire>
  void advance(TimePoint now, Fire&& fire) {
    const std::uint64_t target = tick_of(now);
    if (target <= current_) return;
    // After a long pause each bucket is visited once.
    const std::uint64_t steps = std::min<std::uint64_t>(target - current_, kBuckets);
    std::uint64_t tick = target - steps;
    current_ = target;
    for (std::uint64_t i = 0; i < steps; ++i) {
      ++tick;
      const auto bucket = static_cast<std::uint32_t>(tick % kBuckets);
      if ((occupied_[bucket / 64] >> bucket % 64 & 1) == 0) continue;
      empty(bucket, now, fire);
    }
  }

  /// When advance has something to do next; TimePoint::max() if nothing is armed. May be early by
  /// whole rotations of the wheel.
  TimePoint next() const {
    for (std::uint32_t i = 1; i <= kBuckets;) {
      const auto bucket = static_cast<std::uint32_t>((current_ + i) % kBuckets);
      const std::uint64_t word = occupied_[bucket / 64] >> bucket % 64;
      if (word != 0) {
        const auto tick = current_ + i + static_cast<std::uint64_t>(std::countr_zero(word));
        return origin_ + kTick * static_cast<std::int64_t>(tick);
      }
      i += 64 - bucket % 64;
    }
    return TimePoint::max();
  }

 private:
  static constexpr std::uint32_t kBuckets =
      4096;  // a rotation takes 41 s, longer than nearly every deadline

  std::uint64_t tick_of(TimePoint time) const {
    return time <= origin_ ? 0 : static_cast<std::uint64_t>((time - origin_) / kTick);
  }

  void insert(TimerNode& node, std::uint32_t bucket) {
    TimerNode& head = heads_[bucket];
    node.bucket = bucket;
    node.previous = head.previous;
    node.next = &head;
    head.previous->next = &node;
    head.previous = &node;
    occupied_[bucket / 64] |= std::uint64_t{1} << bucket % 64;
  }

  template <class Fire>
  void empty(std::uint32_t bucket, TimePoint now, Fire& fire) {
    // The list is moved aside, since `fire` may put nodes into this very bucket again.
    TimerNode& head = heads_[bucket];
    TimerNode aside;
    aside.next = head.next;
    aside.previous = head.previous;
    aside.next->previous = aside.previous->next = &aside;
    head.previous = head.next = &head;
    occupied_[bucket / 64] &= ~(std::uint64_t{1} << bucket % 64);
    while (aside.next != &aside) {
      TimerNode& node = *aside.next;
      aside.next = node.next;
      node.next->previous = &aside;
      node.previous = node.next = nullptr;
      if (node.due <= now) {
        fire(node);
      } else {
        insert(node, bucket);  // it is due in a later rotation
      }
    }
  }

  TimePoint origin_;
  std::uint64_t current_ = 0;
  std::array<std::uint64_t, kBuckets / 64> occupied_{};
  std::array<TimerNode, kBuckets> heads_{};
};

}  // namespace crolang::net
