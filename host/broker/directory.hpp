#pragma once
/// The nodes of this instance. Directory: node id → session, for nodes that have joined. Claims:
/// lease token → session, for every lease that a session holds or is claiming.
///
/// Threads: any. Both are sharded; a shard's lock is held for one access and never while anything
/// else is called.

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crolang/keyed_hash.hpp"
#include "session/handle.hpp"

namespace crolang::broker {

using session::SessionHandle;

struct Joined {
  SessionHandle session;
  std::uint64_t token = 0;
};

class Directory {
 public:
  void insert(std::string_view id, Joined joined);
  /// Removes the id if its entry still has this token.
  void erase(std::string_view id, std::uint64_t token);
  // Hot: per message.
  std::optional<Joined> find(std::string_view id) const;

  std::size_t size() const;

  struct Entry {
    std::string id;
    SessionHandle session;
  };
  /// All nodes, for the validity check.
  std::vector<Entry> all() const;

 private:
  static constexpr std::size_t kShards = 256;
  struct alignas(64) Shard {
    mutable std::mutex mutex;  // guards nodes
    TextMap<Joined> nodes;
  };
  // The high bits, since the map uses the low bits of the same hash.
  const Shard& shard(const HashedText& id) const { return shards_[id.hash >> 56]; }
  Shard& shard(const HashedText& id) { return shards_[id.hash >> 56]; }

  std::array<Shard, kShards> shards_;
};

class Claims {
 public:
  enum class Stage : std::uint8_t {
    claiming,  ///< the admission is in progress, the node has no transport: it must not be evicted
    open,      ///< the node has its transport
  };
  struct Claim {
    SessionHandle session;
    Stage stage = Stage::claiming;
  };

  void insert(std::uint64_t token, Claim claim);
  void set_stage(std::uint64_t token, Stage stage);
  void erase(std::uint64_t token);
  std::optional<Claim> find(std::uint64_t token) const;

 private:
  static constexpr std::size_t kShards = 64;
  struct alignas(64) Shard {
    mutable std::mutex mutex;  // guards claims
    std::unordered_map<std::uint64_t, Claim> claims;
  };
  const Shard& shard(std::uint64_t token) const { return shards_[token % kShards]; }
  Shard& shard(std::uint64_t token) { return shards_[token % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace crolang::broker
