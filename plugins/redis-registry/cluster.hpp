#pragma once
/// What the service knows of a Redis Cluster: which master serves which slots, and so which shard
/// keeps which leases; where this broker's channel is; and the commands that wait until this is
/// known. Threads: the holder of the service's lock.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/mailbox.hpp"
#include "redis-registry/redirecting.hpp"
#include "redis-registry/redis_target.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/shard.hpp"
#include "redis-registry/slot_watch.hpp"

namespace crolang::redis_registry {

class Cluster final : Redirecting::Directory, LeaseManager::Cluster, Mailbox::Owner {
 public:
  using Shards = std::vector<std::unique_ptr<Shard>>;

  struct Owner {
    virtual ~Owner() = default;
    /// Makes a shard that can connect. It is not in the list yet.
    virtual std::unique_ptr<Shard> make_shard() = 0;
    virtual void on_batch(std::string_view batch) = 0;
    /// Open requests to other brokers will not be answered.
    virtual void on_subscription_lost(std::string_view why) = 0;
    /// redis_target() has changed.
    virtual void on_redis_target() = 0;
  };

  /// `shards`: of which there is one, without a connection. `node`: one of the cluster.
  Cluster(ServiceContext& context, Shards& shards, const HostPort& node, Owner& owner);

  Shard& of_slot(Slot slot) const { return *by_slot_[slot]; }
  Shard& of_key(std::string_view key) const { return of_slot(slot_of(key)); }
  Redirecting& commands() { return redirecting_; }
  /// The manager that has the lease, or should have it.
  LeaseManager& manager_of(const OwnedLease& lease) const;
  /// Other brokers' answers can reach this one.
  bool is_listening() const { return mailbox_.is_up(); }
  /// Why no node may be admitted: other brokers cannot reach this one. Empty: they can.
  const std::string& why_closed() const { return why_closed_; }
  /// nullopt: not known yet.
  std::optional<RedisTarget> redis_target() const;

  void note_outdated() { watch_.note_outdated(); }
  void change_access(Login login, TlsContext tls);
  /// The connection of a shard was made, or lost.
  void on_shard_changed() { is_target_old_ = true; }

  static constexpr std::size_t kPollEntries = 2;
  void add_poll_entries(std::vector<pollfd>& entries) const;
  void on_poll(std::span<const pollfd> entries);
  void flush() { mailbox_.flush(); }
  void tick();
  std::chrono::milliseconds poll_timeout() const;
  void close();

 private:
  // Redirecting::Directory
  RedisConnection* serving(Slot slot) override;
  RedisConnection* at(const HostPort& server) override;
  void on_outdated() override { watch_.note_outdated(); }
  std::uint64_t map() const override { return applied_; }
  // LeaseManager::Cluster
  Redirecting& redirecting() override { return redirecting_; }
  void again(Take take) override;
  void again(Announce announce) override;
  void on_held(LeaseManager& by, std::string_view id) override;
  // Mailbox::Owner
  void on_mail(std::string_view batch) override { owner_.on_batch(batch); }
  void on_mailbox_lost(std::string_view why) override { owner_.on_subscription_lost(why); }
  void on_mailbox_refused(std::string_view why) override;
  void send_heartbeat(std::uint64_t generation) override;

  Shard& add_shard(HostPort master);
  Shard* find(const HostPort& master);
  void report_fault();
  /// The masters that the queried node has named. What it says of itself proves nothing.
  void note_named();
  bool was_asked(const Shard& shard) const;
  void warn_of_uncovered_slots();
  void apply_map();
  /// A server is about to get its first slots.
  void on_joining(Shard& joining);
  bool is_awaiting_joining(const std::vector<Shard*>& masters) const;
  void take_over(std::vector<Shard*> by_slot);
  void hand_over(Shard& from);
  void choose_tags();
  void close_shards();
  void locate_channel();
  void find_redis_target();
  std::string address_of(const Shard& shard) const;

  ServiceContext& context_;
  Shards& shards_;
  Owner& owner_;
  const std::string channel_;
  const std::string heartbeat_;
  const Slot own_slot_;  // of the channel
  SlotWatch watch_;
  Login login_;  // for the worker links
  TlsContext tls_;
  Redirecting redirecting_;
  Mailbox mailbox_;
  std::vector<Shard*> by_slot_;    // never null
  Shards leaving_;                 // closed, but some of their commands are unanswered
  std::uint64_t applied_ = 0;      // the number of the map
  std::uint64_t checked_map_ = 0;  // the last map that was checked for uncovered slots
  std::string why_closed_ = "not subscribed to this broker's channel yet";
  std::optional<TimePoint> joining_since_;  // since when the map waits for a joining shard
  bool must_hand_over_ = false;
  bool is_target_old_ = false;
  std::optional<RedisTarget> target_;  // that the owner was notified of
  TimePoint reported_failure_{};
  TimePoint last_tick_{};
};

}  // namespace crolang::redis_registry
