#pragma once
/// One primary, and the leases of this broker there: all of Redis, or in a cluster the slots that
/// the primary serves. Outlives failovers. Threads: the holder of the service's lock.

#include <optional>
#include <string_view>
#include <utility>

#include "redis-registry/lease_manager.hpp"
#include "redis-registry/redis_connection.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/statistics.hpp"

namespace crolang::redis_registry {

class Shard final : RedisConnection::Owner {
 public:
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_shard_up(Shard& shard) = 0;
    /// The connection was lost, or an attempt failed.
    virtual void on_shard_down(Shard& shard, std::string_view why) = 0;
    virtual void on_batch(std::string_view batch) = 0;
    /// As RedisConnection.
    virtual void on_cluster(const HostPort& node) = 0;
  };

  Shard(ServiceContext& context, PeerTransport& peers, Owner& owner);

  RedisConnection& connection() { return connection_; }
  const RedisConnection& connection() const { return connection_; }
  LeaseManager& leases() { return leases_; }
  const ClaimGate& gate() const { return leases_.gate(); }
  bool is_up() const { return connection_.is_up(); }

  // In a cluster.
  const std::optional<HostPort>& master() const { return master_; }
  void lead_to(HostPort master, TimePoint now);
  /// The keys about the server itself are to be in one of its slots: `run:{tag}`. nullopt: none is.
  void set_tag(std::optional<std::size_t> tag);
  /// A slot is being moved to this server.
  void note_asked(TimePoint now) { asked_at_ = now; }
  /// When one last was; nullopt: never.
  const std::optional<TimePoint>& asked_at() const { return asked_at_; }
  bool has_been_up() const { return has_been_up_; }
  /// Up now, or a moment ago: a master that has lost its last slot closes its connections.
  bool was_up_lately(TimePoint now) const;
  /// There is no connection, for this reason.
  void report_down(std::string_view why) { on_down(why); }

 private:
  void on_up() override;
  void on_down(std::string_view why) override;
  void on_batch(std::string_view batch) override { owner_.on_batch(batch); }
  void on_cluster(const HostPort& node) override { owner_.on_cluster(node); }

  ServiceContext& context_;
  Owner& owner_;
  Statistics::Part statistics_;
  std::optional<HostPort> master_;
  std::optional<TimePoint> asked_at_;
  bool has_been_up_ = false;
  std::optional<TimePoint> lost_at_;  // nullopt: it is up, or never was
  LeaseManager leases_;
  RedisConnection connection_;  // destroyed first: it calls the rest
};

}  // namespace crolang::redis_registry
