#pragma once
/// Decides which shard continues with which master after slots have moved. No IO.
/// Threads: any. Errors: none.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "redis-registry/slot_map.hpp"

namespace crolang::redis_registry {

/// The slot has had no master.
inline constexpr std::uint16_t kNoShard = std::numeric_limits<std::uint16_t>::max();

struct ShardPlan {
  /// For each master of the map the shard that it continues, as an index into those before;
  /// nullopt: it is a new one.
  std::vector<std::optional<std::size_t>> continues;
};

/// `masters`: those of the shards before; nullopt: not known yet. `owners`: for each slot the index
/// of the shard that has served it, or kNoShard.
///
/// A master keeps its own shard. One that had none continues the shard from which it has
/// most slots, if that has lost its master: it was a replica that was promoted. What it has of
/// others was moved, with the keys.
ShardPlan plan_shards(std::span<const std::optional<HostPort>> masters,
                      std::span<const std::uint16_t> owners, const SlotMap& map);

}  // namespace crolang::redis_registry
