#pragma once
/// Claims of ids at one primary: grants them by the scripts, once enough replicas have received
/// them if REDIS_WAIT_REPLICAS is set. Threads: the holder of the service's lock. Errors:
/// after std::bad_alloc the connection must be replaced, except if take threw before sending
/// anything.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/claim_gate.hpp"
#include "redis-registry/lease_keys.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/redis_connection.hpp"
#include "redis-registry/replica_watch.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"

namespace crolang::redis_registry {

class Claims {
 public:
  struct Owner {
    virtual ~Owner() = default;
    /// A claim has been answered: Redis refused the write.
    virtual void on_claim_refused(const redisReply& error) = 0;
    /// A claim is given up: forgets its lease. False: it was withdrawn before.
    virtual bool give_up_claim(std::uint64_t token) = 0;
    /// A lease is held.
    virtual void on_held(std::string_view id) = 0;
    virtual bool is_in_cluster() const = 0;
    /// In a cluster: another server must be asked.
    virtual void claim_elsewhere(Take take) = 0;
  };

  Claims(ServiceContext& context, RedisConnection& connection, const ClaimGate& gate,
         Leases& leases, LeaseKeys& keys, Owner& owner);

  void take(Take& take);
  /// After the takes of one loop iteration, before they are sent: asks whether replicas have
  /// received them.
  void confirm();
  void on_connected(const ServerRun& run);
  void on_disconnected();
  void tick();
  /// No claim is granted before the server is named as the primary once more.
  bool await_naming() const;

 private:
  using Grant = ReplicaWatch::Grant;

  struct Unconfirmed {
    OwnedLease claim;
    plugin::Claimed answer;
  };

  Grant grant();
  void on_taken(Take& take, Grant grant, const redisReply* reply);
  void on_redirected(Take& take, const redisReply& error);
  void on_lost(const OwnedLease& claim, plugin::Claimed& answer);
  void on_confirmed(const redisReply* reply);

  ServiceContext& context_;
  RedisConnection& connection_;
  const ClaimGate& gate_;
  Leases& leases_;
  LeaseKeys& keys_;
  Owner& owner_;
  const std::string ttl_text_;
  const std::string wait_text_;
  ReplicaWatch replicas_;
  bool must_confirm_ = false;             // a take has been sent in this loop iteration
  std::vector<Unconfirmed> unconfirmed_;  // taken, but not by replicas as far as is known
};

}  // namespace crolang::redis_registry
