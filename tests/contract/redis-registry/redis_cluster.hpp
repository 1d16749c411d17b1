#pragma once
/// Redis Cluster for tests: three primaries, and a replica of the first one if wanted. They listen
/// on 127.0.0.1, and are told what to do by their unix sockets.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redis-registry/redis_target.hpp"
#include "redis-registry/slot_map.hpp"
#include "redis_server.hpp"

namespace crolang::testing {

class RedisCluster {
 public:
  static constexpr std::size_t kPrimaries = 3;

  /// Returns once all slots are served, and the replica follows its primary. Throws
  /// std::runtime_error if that takes too long.
  explicit RedisCluster(bool has_replica = false);

  RedisServer& node(std::size_t index) { return *nodes_[index]->server; }
  std::uint16_t port(std::size_t index) const { return nodes_[index]->port; }
  /// What the first node that answers says of the slots.
  redis_registry::RedisTarget target() const;
  /// Which node serves the slot, as `target` says.
  std::size_t owner(redis_registry::Slot slot) const;

  /// Moves a slot without keys, as redis-cli --cluster reshard does it.
  void move(redis_registry::Slot slot, std::size_t to);
  void kill(std::size_t index);

 private:
  struct Node {
    std::uint16_t port;
    std::unique_ptr<RedisServer> server;
    std::string id;
    bool is_dead = false;
  };

  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace crolang::testing
