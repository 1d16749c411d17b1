#include "redis-registry/shard_plan.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace crolang::redis_registry {

ShardPlan plan_shards(std::span<const std::optional<HostPort>> masters,
                      std::span<const std::uint16_t> owners, const SlotMap& map) {
  ShardPlan plan{std::vector<std::optional<std::size_t>>(map.masters().size())};
  std::vector<bool> is_taken(masters.size());
  for (std::size_t next = 0; next < map.masters().size(); ++next) {
    const auto same = std::ranges::find(masters, std::optional(map.masters()[next]));
    if (same == masters.end()) continue;
    const auto at = static_cast<std::size_t>(same - masters.begin());
    is_taken[at] = true;
    plan.continues[next] = at;
  }
  // How many slots go from a shard without a master to a master without a shard.
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> common;
  for (std::size_t slot = 0; slot < SlotMap::kSlots; ++slot) {
    const auto next = map.master_of(static_cast<Slot>(slot));
    const std::size_t before = owners[slot];
    if (!next || before == kNoShard || is_taken[before] || plan.continues[*next]) continue;
    ++common[{before, *next}];
  }
  std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> by_size;
  for (const auto& [pair, count] : common) by_size.emplace_back(count, pair.first, pair.second);
  std::ranges::stable_sort(by_size, [](const auto& one, const auto& other) {
    return std::get<0>(one) > std::get<0>(other);
  });
  for (const auto& [count, before, next] : by_size) {
    if (is_taken[before] || plan.continues[next]) continue;
    is_taken[before] = true;
    plan.continues[next] = before;
  }
  return plan;
}

}  // namespace crolang::redis_registry
