#pragma once
/// All of Redis as the service uses it: one shard, or in a cluster those of all its masters. Finds
/// out which, and gives each key and channel its shard. Threads: the holder of the service's lock.

#include <poll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/cluster.hpp"
#include "redis-registry/login_change.hpp"
#include "redis-registry/redis_target.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/shard.hpp"

namespace crolang::redis_registry {

class Shards final : Shard::Owner, Cluster::Owner {
 public:
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_shard_up() = 0;
    virtual void on_shard_down(std::string_view why) = 0;
    virtual void on_batch(std::string_view batch) = 0;
    /// Open requests to other brokers will not be answered.
    virtual void on_subscription_lost(std::string_view why) = 0;
    /// Redis accepted new credentials, or refused them for this reason: then the previous ones stay
    /// in use.
    virtual void on_credentials(std::string_view refusal) = 0;
    /// In a cluster: redis_target() is another one.
    virtual void on_redis_target() = 0;
  };

  Shards(ServiceContext& context, PeerTransport& peers, Owner& owner);

  bool is_cluster() const { return cluster_ != nullptr; }
  Shard& of_key(std::string_view key) const {
    return cluster_ ? cluster_->of_key(key) : *shards_.front();
  }
  Shard& of_id(std::string_view id) const {
    return cluster_ ? cluster_->of_key(context_.key(id)) : *shards_.front();
  }
  bool is_any_up() const;
  bool are_restored() const;
  /// Other brokers can be reached by the channel of `instance`, and answer.
  bool reaches(std::string_view instance) const;

  /// In a cluster that of the key or channel; else 0.
  Slot slot(std::string_view key) const { return cluster_ ? slot_of(key) : Slot{0}; }
  Shard& of_slot(Slot slot) const { return cluster_ ? cluster_->of_slot(slot) : *shards_.front(); }
  /// Why Redis is unavailable, or was most recently.
  const std::string& reason() const { return shards_.front()->gate().reason(); }

  /// A command that is no lease's, to the primary of the slot. `on_reply` as for Link::command.
  template <class F>
  void command(Slot slot, std::span<const std::string_view> words, F&& on_reply) {
    if (cluster_ == nullptr) {
      shards_.front()->connection().command(words, context_.now, std::forward<F>(on_reply));
    } else {
      cluster_->commands().send(slot, words, Redirecting::Urgency::at_once,
                                std::forward<F>(on_reply));
    }
  }
  template <class F>
  void command(std::string_view key, std::span<const std::string_view> words, F&& on_reply) {
    command(slot(key), words, std::forward<F>(on_reply));
  }
  /// Publishes; the reply is not urgent.
  template <class F>
  void publish(std::string_view channel, std::string_view batch, F&& on_reply) {
    if (cluster_ == nullptr) {
      shards_.front()->connection().publish(channel, batch, context_.now,
                                            std::forward<F>(on_reply));
    } else {
      const std::array<std::string_view, 3> words{"SPUBLISH", channel, batch};
      cluster_->commands().send(slot_of(channel), words, Redirecting::Urgency::deferred,
                                std::forward<F>(on_reply));
    }
  }

  void take(Take& take);
  void announce(Announce& announce) { manager_of(announce.claim).announce(announce); }
  void release(Release& release) { manager_of(release.claim).release(release); }
  /// Undoes a take that failed before it was sent.
  void forget(std::uint64_t token);
  /// After the takes of one loop iteration.
  void confirm_takes();
  void release_all();
  void expire_withdrawn();

  void change_access(NewAccess access);
  /// For the worker links; nullopt: not known yet.
  std::optional<RedisTarget> redis_target() const;
  /// The map of the cluster is wrong.
  void note_outdated();

  /// Appends what is to be polled.
  void add_poll_entries(std::vector<pollfd>& entries) const;
  void on_poll(std::span<const pollfd> entries);
  std::chrono::milliseconds poll_timeout() const;
  void flush();
  /// Call it at least every 100 ms.
  void tick();
  void drop(std::string_view why);
  /// Nothing waits for an answer.
  bool are_idle() const;
  void close();

 private:
  // Shard::Owner
  void on_shard_up(Shard& shard) override;
  void on_shard_down(Shard& shard, std::string_view why) override;
  void on_batch(std::string_view batch) override { owner_.on_batch(batch); }
  void on_cluster(const HostPort& node) override;
  // Cluster::Owner
  std::unique_ptr<Shard> make_shard() override;
  void on_subscription_lost(std::string_view why) override { owner_.on_subscription_lost(why); }
  void on_redis_target() override { owner_.on_redis_target(); }

  LeaseManager& manager_of(const OwnedLease& lease) const;
  void note_login(std::uint64_t change, LoginChange::Outcome outcome, std::string_view refusal);
  /// In all shards.
  void use(const Login& login);

  ServiceContext& context_;
  PeerTransport& peers_;
  Owner& owner_;
  Login sentinel_login_;
  TlsContext tls_;
  Login login_;  // accepted, as far as it could be asked
  Login next_login_;
  LoginChange login_change_;
  std::vector<std::unique_ptr<Shard>> shards_;  // at least one
  std::unique_ptr<Cluster> cluster_;            // null: none
};

}  // namespace crolang::redis_registry
