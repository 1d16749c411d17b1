#pragma once
/// Redis Cluster: in which hash slot a key or channel is, and which master serves it. Source: Redis
/// Cluster Specification; CLUSTER SLOTS. Threads: values; a map does not change.

#include <hiredis.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "redis-registry/endpoint.hpp"

namespace crolang::redis_registry {

using Slot = std::uint16_t;

/// CRC-16/XMODEM of the hash tag, which is what stands between the first `{` and the next `}`, if
/// that is not empty; else of everything.
Slot slot_of(std::string_view key);

class SlotMap {
 public:
  static constexpr std::size_t kSlots = 16384;
  /// The Redis documentation recommends at most 1,000 nodes.
  static constexpr std::size_t kMaxMasters = 1000;

  /// The reply to CLUSTER SLOTS of the server `asked`, whose host stands for one that is not
  /// stated. nullopt: that is no such reply.
  static std::optional<SlotMap> read(const redisReply& reply, const HostPort& asked);

  /// Those that serve slots, in the order of their first one.
  const std::vector<HostPort>& masters() const { return masters_; }
  /// An index into masters(); nullopt: the slot has no master.
  std::optional<std::size_t> master_of(Slot slot) const {
    const std::uint16_t at = owners_[slot];
    return at == kNobody ? std::nullopt : std::optional<std::size_t>(at);
  }
  bool covers_all() const { return covered_ == kSlots; }

  bool operator==(const SlotMap&) const = default;

 private:
  static constexpr std::uint16_t kNobody = 0xffff;

  SlotMap() { owners_.fill(kNobody); }
  bool add(const redisReply& range, const HostPort& asked);
  std::optional<std::uint16_t> index_of(const HostPort& master);

  std::vector<HostPort> masters_;
  std::array<std::uint16_t, kSlots> owners_;  // indices into masters_
  std::size_t covered_ = 0;                   // slots that have a master
};

}  // namespace crolang::redis_registry
