#pragma once
/// Batches that cannot be published yet, since their slots are moving between masters of a cluster:
/// Redis has refused them for that reason, nobody was subscribed there yet, or they must not
/// overtake others. Time is an argument. Threads: one at a time. Errors: std::bad_alloc.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "redis-registry/endpoint.hpp"
#include "redis-registry/slot_map.hpp"
#include "redis-registry/worker_batches.hpp"

namespace crolang::redis_registry {

class HeldBatches {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Held {
    std::uint64_t number;
    Slot slot;
    TimePoint deadline;
    TimePoint not_before{};
    HostPort refused_by{};        ///< a master that does not serve the slot; no host: none
    bool was_unreceived = false;  ///< it was published, and had no receiver
    std::string channel{};
    std::string text{};

    WorkerBatch view() const { return {number, slot, channel, text, deadline}; }
  };

  bool is_empty() const { return held_.empty(); }
  bool has(Slot slot) const {
    return std::ranges::any_of(held_, [slot](const Held& each) { return each.slot == slot; });
  }
  void clear() { held_.clear(); }

  /// Batches are numbered in their order.
  void add(Held held) {
    const auto behind = std::ranges::upper_bound(held_, held.number, {}, &Held::number);
    held_.insert(behind, std::move(held));
  }

  /// Passes each to `use(const Held&)`, which returns whether to keep it; but not one that is
  /// behind a kept one of its slot. `use` must not call this object.
  template <class Use>
  void release(Use&& use) {
    std::vector<Slot> kept;
    std::erase_if(held_, [&](const Held& each) {
      if (std::ranges::find(kept, each.slot) != kept.end()) return false;
      const bool is_kept = use(each);
      if (is_kept) kept.push_back(each.slot);
      return !is_kept;
    });
  }

 private:
  std::vector<Held> held_;  // by number
};

}  // namespace crolang::redis_registry
