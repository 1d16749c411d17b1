#pragma once
/// Work that has come to a wrong server of a cluster, and waits until more is known of the slots.
/// No IO; time is an argument. Threads: the holder of the service's lock.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "redis-registry/leases.hpp"
#include "redis-registry/unique_function.hpp"

namespace crolang::redis_registry {

class Parking {
 public:
  using Again = UniqueFunction<>;
  /// It is tried again after so long, even if nothing has changed.
  static constexpr std::chrono::milliseconds kPause{50};
  /// What is sent on and on is given up after that.
  static constexpr std::chrono::milliseconds kPatience{1000};

  /// `map`: the number of the slot map by which it was sent.
  void add(Again again, std::uint64_t map, TimePoint now) {
    parked_.push_back({std::move(again), map, now + kPause});
  }
  /// Runs what was sent by another map, or has waited long enough; it may be parked again.
  void run_due(std::uint64_t map, TimePoint now) {
    const auto is_early = [&](const Parked& each) { return each.map == map && now < each.due; };
    const auto due = std::stable_partition(parked_.begin(), parked_.end(), is_early);
    std::vector<Parked> now_due(std::make_move_iterator(due),
                                std::make_move_iterator(parked_.end()));
    parked_.erase(due, parked_.end());
    for (Parked& each : now_due) each.again();
  }
  /// Runs everything, for the last time.
  void run_all() {
    for (Parked& each : std::exchange(parked_, {})) each.again();
  }
  bool is_empty() const { return parked_.empty(); }

 private:
  struct Parked {
    Again again;
    std::uint64_t map;
    TimePoint due;
  };

  std::vector<Parked> parked_;
};

}  // namespace crolang::redis_registry
