#pragma once
/// Keeps the leases of this broker at one primary: takes, announces, extends and releases them, and
/// writes them all again when ClaimGate requires it. Where Redis has another session's lease
/// instead, Disputes decides. In a cluster there is one for each master, and a lease is handed over
/// when its slot has another one. Threads: the holder of the service's lock. Errors: after
/// std::bad_alloc the connection must be replaced, except if take, announce or release threw before
/// sending anything.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/claim_gate.hpp"
#include "redis-registry/claims.hpp"
#include "redis-registry/disputes.hpp"
#include "redis-registry/lease_keys.hpp"
#include "redis-registry/leases.hpp"
#include "redis-registry/peer_transport.hpp"
#include "redis-registry/redis_connection.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"

namespace crolang::redis_registry {

class LeaseManager final : Claims::Owner {
 public:
  /// In a cluster: what a shard delegates to the others.
  struct Cluster {
    virtual ~Cluster() = default;
    virtual Redirecting& redirecting() = 0;
    /// Another master serves the slot: it is asked once that is known.
    virtual void again(Take take) = 0;
    virtual void again(Announce announce) = 0;
    /// A lease is held, whose slot may have another master already.
    virtual void on_held(LeaseManager& by, std::string_view id) = 0;
  };

  /// `peers`: to ask other brokers about their sessions. Neither is used before on_connected.
  LeaseManager(ServiceContext& context, RedisConnection& connection, PeerTransport& peers);
  ~LeaseManager() override;

  /// From now on this is a part of a cluster. `writable_key`: written to see whether Redis accepts
  /// writes; empty: none.
  void join_cluster(Cluster& cluster);
  void set_writable_key(std::string key) { writable_key_ = std::move(key); }
  /// The key that names the server's run is another one.
  void on_run_key_changed() { gate_.on_run_key_changed(); }
  /// Leases of other brokers may be missing.
  void pause_claims() { gate_.pause_claims(context_.now); }
  /// The server that is connected next has got its slots from others, with the keys.
  void trust_next_server() { gate_.trust_next_server(); }

  const ClaimGate& gate() const { return gate_; }

  void take(Take& take) { claims_.take(take); }
  void announce(Announce& announce);
  void release(Release& release);
  /// After the takes of one loop iteration, before they are sent: asks whether replicas have
  /// received them.
  void confirm_takes() { claims_.confirm(); }
  bool await_naming() const { return claims_.await_naming(); }  ///< as Claims
  /// Undoes a take that failed before it was sent.
  void forget(std::uint64_t token) { leases_.erase(token); }
  /// A lease that is requested or held.
  bool contains(std::uint64_t token) const { return leases_.find(token) != nullptr; }

  void on_connected();
  void on_disconnected(std::string_view why);
  /// While connected: runs the tasks that are due.
  void tick();
  /// Forgets what was withdrawn and has expired in Redis by itself.
  void expire_withdrawn() { keys_.expire(); }
  /// Redis does not know a script of this broker.
  void on_unknown_script(const redisReply& error) { on_write_refused(error); }
  /// Releases all leases at shutdown.
  void release_all();
  /// There is something to release that is not to be released here, perhaps.
  bool has_strays() const { return keys_.has_strays(); }
  /// In a cluster: must not be destroyed yet, though its connection is closed.
  bool is_awaiting_answers() const { return keys_.has_unanswered(); }
  /// The held leases that `goes` names are kept by `to` from now on, which extends them at once.
  void hand_over(LeaseManager& to, const std::function<bool(std::string_view id)>& goes);

 private:
  enum class Purpose { extend, restore };
  static constexpr std::uint64_t kNoAttempt = 0;

  void on_claim_refused(const redisReply& error) override { on_write_refused(error); }
  bool give_up_claim(std::uint64_t token) override { return erase(token); }
  void on_held(std::string_view id) override;
  bool is_in_cluster() const override { return cluster_ != nullptr; }
  void claim_elsewhere(Take take) override { cluster_->again(std::move(take)); }

  /// Another server is to be asked.
  bool is_sent_on(const redisReply* reply) const;
  void on_announced(Announce& announce, const redisReply* reply);
  /// Writes the leases that are due.
  void refresh(Purpose purpose);
  void refresh(std::uint64_t token, Purpose purpose);
  /// `attempt`: to restore; kNoAttempt: it is extended.
  void write(std::uint64_t token, std::uint64_t rival, std::uint64_t attempt);
  void on_written(std::uint64_t token, std::uint64_t attempt, const redisReply* reply);
  bool erase(std::uint64_t token);

  /// Redis has this value where the lease should be.
  void on_foreign(std::uint64_t token, std::string_view value, std::uint64_t attempt);
  Disputes::Ended end_dispute(std::uint64_t token, ClaimGate::BatchResult result);
  void carry_out(std::uint64_t token, Disputes::Step step);
  void ask_rival(std::uint64_t token);
  void give_up(std::uint64_t token);

  void carry_out(ClaimGate::Task task);
  void report(ClaimGate::Notice notice);
  /// A part of an attempt to restore has ended.
  void end_part(std::uint64_t attempt, ClaimGate::BatchResult result);
  void restore_all();
  /// `done(result)`: whether Redis accepts it.
  template <class F>
  void test_write(F done);
  /// Tells brokers that start that the leases of those that are connected are in Redis.
  void name_run();
  void on_write_refused(const redisReply& error);

  ServiceContext& context_;
  RedisConnection& connection_;
  PeerTransport& peers_;
  const std::string ttl_text_;
  std::string writable_key_;
  Cluster* cluster_ = nullptr;  // null: none
  Leases leases_;
  const std::shared_ptr<Disputes> disputes_;  // outlived by questions
  ClaimGate gate_;
  LeaseKeys keys_;
  Claims claims_;
  std::string last_place_;  // of Redis
};

}  // namespace crolang::redis_registry
