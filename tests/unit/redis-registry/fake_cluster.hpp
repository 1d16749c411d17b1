#pragma once
/// Redis Cluster as a worker link sees it, within the process: masters that publish to sharded
/// channels. Nodes answer when `run` is called. Threads: one.

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/redis_target.hpp"
#include "redis-registry/reply_reader.hpp"
#include "redis-registry/slot_map.hpp"
#include "redis-registry/transport.hpp"

namespace crolang::redis_registry {

class FakeCluster {
 public:
  /// The nodes a, b and c serve a third of the slots each.
  FakeCluster();
  FakeCluster(const FakeCluster&) = delete;
  FakeCluster& operator=(const FakeCluster&) = delete;
  ~FakeCluster();

  /// A dead node refuses.
  std::unique_ptr<Transport> connect(const HostPort& node);
  /// Everything is done that was asked of nodes that are not frozen. Whether there was anything.
  bool run();

  /// What the service would tell: the present slots, but those of `gone` are those of `heir`.
  RedisTarget target(const std::string& gone = {}, const std::string& heir = {}) const;
  /// The name of a broker whose channels are at that node, the nth of those.
  std::string broker_at(const std::string& node, int nth = 0) const;

  /// Tells the subscribers at the former master.
  void move(Slot slot, const std::string& to);
  void move_silently(Slot slot, const std::string& to) { owners_[slot] = to; }
  /// Takes what its master publishes, unless it is frozen then, and publishes itself to its own
  /// subscribers.
  void make_replica(const std::string& node, const std::string& of) { replicas_[node] = of; }
  /// What a replica publishes also reaches the subscribers of its master, which it does not count.
  void pass_on_to_masters() { passes_on_to_masters_ = true; }
  void kill(const std::string& node);
  /// Whoever connects to it hears nothing.
  void isolate(const std::string& node) { isolated_.insert(node); }
  void revive(const std::string& node) { dead_.erase(node); }
  void freeze(const std::string& node) { frozen_.insert(node); }
  void thaw(const std::string& node) { frozen_.erase(node); }
  /// Its subscriptions are gone, and nobody is told.
  void forget_subscriptions(const std::string& node);
  /// Its subscriptions are gone, and their clients are told.
  void end_subscriptions(const std::string& node);
  void require_password(std::string password) { password_ = std::move(password); }
  /// Everything but AUTH is answered so.
  void refuse(std::string error) { refusal_ = std::move(error); }
  /// Subscriptions stay.
  void forbid_unsubscribing() { may_unsubscribe_ = false; }

  /// That the node was sent, by their names and channels: "SPUBLISH {x}:0".
  const std::vector<std::string>& commands(const std::string& node) { return commands_[node]; }
  std::size_t connections(const std::string& node) const;
  /// So many subscriptions of that node's clients.
  std::size_t subscriptions(const std::string& node) const;

 private:
  struct Connection {
    std::string node;
    int end;
    ReplyReader reader{1 << 20};
    std::set<std::string> channels{};
    bool is_logged_in = false;
  };

  void serve(Connection& connection);
  void execute(Connection& connection, const std::vector<std::string>& words);
  std::string subscribe(Connection& connection, const std::vector<std::string>& words);
  std::string unsubscribe(Connection& connection) const;
  std::string publish(const Connection& connection, const std::vector<std::string>& words);
  bool serves(const std::string& node, Slot slot) const;
  bool passes_on(const std::string& from, const std::string& to) const;
  static void send(const Connection& connection, const std::string& bytes);

  std::array<std::string, SlotMap::kSlots> owners_;
  std::map<std::string, std::string> replicas_;
  std::set<std::string> dead_;
  std::set<std::string> frozen_;
  std::set<std::string> isolated_;
  std::string password_;
  std::string refusal_;
  bool may_unsubscribe_ = true;
  bool passes_on_to_masters_ = false;
  std::map<std::string, std::vector<std::string>> commands_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace crolang::redis_registry
