#pragma once
/// Commands that a server of a cluster has redirected, and that wait for a new slot map.
/// No IO; time is an argument. Threads: the holder of the service's lock.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "redis-registry/leases.hpp"
#include "redis-registry/unique_function.hpp"

namespace crolang::redis_registry {

class RetryQueue {
 public:
  using Retry = UniqueFunction<>;
  /// The pause before a retry if the map has not changed.
  static constexpr std::chrono::milliseconds kPause{50};
  /// Commands that are redirected repeatedly are given up after this time.
  static constexpr std::chrono::milliseconds kTimeout{1000};

  /// `map`: the number of the slot map by which it was sent.
  void add(Retry retry, std::uint64_t map, TimePoint now) {
    waiting_.push_back({std::move(retry), map, now + kPause});
  }
  /// Runs what was sent by another map, or has waited long enough; it may be queued again.
  void run_due(std::uint64_t map, TimePoint now) {
    const auto is_early = [&](const Waiting& each) { return each.map == map && now < each.due; };
    const auto due = std::stable_partition(waiting_.begin(), waiting_.end(), is_early);
    std::vector<Waiting> now_due(std::make_move_iterator(due),
                                 std::make_move_iterator(waiting_.end()));
    waiting_.erase(due, waiting_.end());
    for (Waiting& each : now_due) each.retry();
  }
  /// Runs everything, for the last time.
  void run_all() {
    for (Waiting& each : std::exchange(waiting_, {})) each.retry();
  }
  bool is_empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    Retry retry;
    std::uint64_t map;
    TimePoint due;
  };

  std::vector<Waiting> waiting_;
};

}  // namespace crolang::redis_registry
