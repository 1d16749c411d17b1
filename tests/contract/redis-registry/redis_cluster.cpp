#include "redis_cluster.hpp"

#include <arpa/inet.h>
#include <hiredis.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace crolang::testing {
namespace {

using redis_registry::HostPort;
using redis_registry::RedisTarget;
using redis_registry::Slot;
using redis_registry::SlotMap;

const std::string kHost = "127.0.0.1";

/// No other process is given it soon.
std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const given = reinterpret_cast<sockaddr*>(&address);
  const bool is_bound =
      ::bind(socket, given, size) == 0 && ::getsockname(socket, given, &size) == 0;
  ::close(socket);
  if (!is_bound) throw std::runtime_error("no free port");
  return ::ntohs(address.sin_port);
}

void wait_for(const std::string& what, const std::function<bool()>& so) {
  if (!eventually(so)) throw std::runtime_error("Redis Cluster: never " + what);
}

std::shared_ptr<const SlotMap> slots_by(const RedisServer& server) {
  redisContext* const context = ::redisConnectUnix(server.socket().c_str());
  if (context == nullptr || context->err != 0) return nullptr;
  auto* const reply = static_cast<redisReply*>(::redisCommand(context, "CLUSTER SLOTS"));
  std::shared_ptr<const SlotMap> slots;
  if (reply != nullptr) {
    if (auto map = SlotMap::read(*reply, {kHost, 0})) {
      slots = std::make_shared<const SlotMap>(*std::move(map));
    }
    ::freeReplyObject(reply);
  }
  ::redisFree(context);
  return slots;
}

}  // namespace

RedisCluster::RedisCluster(bool has_replica) {
  const std::size_t count = kPrimaries + (has_replica ? 1 : 0);
  std::vector<std::uint16_t> buses;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t port = free_port();
    buses.push_back(free_port());
    nodes_.push_back(std::make_unique<Node>(
        Node{port,
             std::make_unique<RedisServer>(std::vector<std::string>{
                 "--port", std::to_string(port), "--bind", kHost, "--cluster-enabled", "yes",
                 "--cluster-port", std::to_string(buses.back()), "--cluster-node-timeout", "1000",
                 "--repl-diskless-sync-delay", "0"}),
             {}}));
    nodes_[i]->id = node(i).command({"CLUSTER", "MYID"});
  }
  for (std::size_t i = 0; i < kPrimaries; ++i) {
    node(i).command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    node(i).command({"CLUSTER", "ADDSLOTSRANGE", std::to_string(i * SlotMap::kSlots / kPrimaries),
                     std::to_string((i + 1) * SlotMap::kSlots / kPrimaries - 1)});
  }
  for (std::size_t i = 1; i < count; ++i) {
    node(0).command({"CLUSTER", "MEET", kHost, std::to_string(port(i)), std::to_string(buses[i])});
  }
  const auto says = [this](std::size_t i, const std::vector<std::string>& asked,
                           std::string_view words) {
    return node(i).command(asked).find(words) != std::string::npos;
  };
  if (has_replica) {
    wait_for("known to the replica", [&] {
      return node(kPrimaries).command({"CLUSTER", "REPLICATE", nodes_[0]->id}) == "OK";
    });
    wait_for("followed by the replica", [&] {
      return says(kPrimaries, {"INFO", "replication"}, "master_link_status:up");
    });
  }
  for (std::size_t i = 0; i < count; ++i) {
    wait_for("well", [&] {
      return says(i, {"CLUSTER", "INFO"}, "cluster_state:ok") &&
             says(i, {"CLUSTER", "INFO"}, "cluster_known_nodes:" + std::to_string(count));
    });
  }
}

RedisTarget RedisCluster::target() const {
  RedisTarget target;
  for (const auto& each : nodes_) {
    if (!each->is_dead) target.slots = slots_by(*each->server);
    if (target.slots) break;
  }
  if (!target.slots) throw std::runtime_error("Redis Cluster: no node answers");
  for (const HostPort& each : target.slots->masters()) target.masters.push_back({each, kHost});
  return target;
}

std::size_t RedisCluster::owner(Slot slot) const {
  const RedisTarget known = target();
  const auto master = known.slots->master_of(slot);
  for (std::size_t i = 0; master && i < nodes_.size(); ++i) {
    if (known.slots->masters()[*master].port == port(i)) return i;
  }
  throw std::runtime_error("Redis Cluster: nobody serves the slot");
}

void RedisCluster::move(Slot slot, std::size_t to) {
  const std::size_t from = owner(slot);
  if (from == to) return;
  const std::string number = std::to_string(slot);
  const auto set = [&](std::size_t at, const std::string& state, std::size_t whose) {
    const std::string answer =
        node(at).command({"CLUSTER", "SETSLOT", number, state, nodes_[whose]->id});
    if (answer != "OK") throw std::runtime_error("CLUSTER SETSLOT: " + answer);
  };
  set(to, "IMPORTING", from);
  set(from, "MIGRATING", to);
  set(to, "NODE", to);
  set(from, "NODE", to);
}

void RedisCluster::kill(std::size_t index) {
  node(index).kill();
  nodes_[index]->is_dead = true;
}

}  // namespace crolang::testing
