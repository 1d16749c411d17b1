#pragma once
/// The connections of one worker link to a cluster: a subscription at the master of its own slot,
/// and a link to each master, on which it publishes to the channels in the slots of that one. If a
/// master is lost, so is what it has not answered; all else goes on.
///
/// What a slot that has moved keeps from being published is sent once the worker link is told where
/// it is now, and so is what nobody was subscribed to there yet: for a second at most. Until then
/// what is for the same slot waits behind it, so that all stays in order.
///
/// See worker_pubsub.hpp.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/cluster_subscription.hpp"
#include "redis-registry/connection_times.hpp"
#include "redis-registry/held_batches.hpp"
#include "redis-registry/redis_target.hpp"
#include "redis-registry/traffic.hpp"
#include "redis-registry/worker_publisher.hpp"
#include "redis-registry/worker_pubsub.hpp"

namespace crolang::redis_registry {

class WorkerClusterConnection final : public WorkerPubSub,
                                      WorkerPublisher::Owner,
                                      ClusterSubscription::Owner {
 public:
  /// See ClusterSubscription.
  WorkerClusterConnection(std::vector<std::string> channels, std::string heartbeat,
                          WorkerPubSub::ClusterOwner& owner, const WorkerTraffic& traffic);

  /// All targets have slots.
  void serve(RedisTarget target, TimePoint now) override;
  void leave(std::string_view why, TimePoint now) override;
  void change_target(RedisTarget target, TimePoint now) override;
  void drop(std::string_view why, TimePoint now) override;
  bool is_up() const override { return subscription_.is_up(); }
  bool may_publish() const override { return target_.has_value(); }
  bool has_target() const override { return target_.has_value(); }
  bool is_ready() const override;
  void publish(std::string_view channel, std::string_view batch, std::uint64_t number,
               Receiver receiver, TimePoint now) override;
  void flush(TimePoint now) override;
  std::span<const pollfd> poll_entries(TimePoint now) override;
  void on_poll(std::size_t link, short events, TimePoint now) override;
  void tick(TimePoint now) override;
  TimePoint due() const override;

 private:
  struct Former {
    TimePoint until;
    std::shared_ptr<const SlotMap> slots;
  };

  // WorkerPublisher::Owner
  std::unique_ptr<Transport> connect(const WorkerPublisher& publisher) override;
  const Login& login() const override { return target_->login; }
  void on_answer(const WorkerPublisher& at, const WorkerBatch& batch, long long receivers,
                 std::string_view error) override;
  void on_unsent(std::uint64_t batch) override { unpublished_.push_back(batch); }
  void on_lost(const WorkerBatches& batches) override;
  void on_down(const WorkerPublisher& publisher, std::string_view why, TimePoint since) override;

  // ClusterSubscription::Owner
  std::unique_ptr<Transport> connect(const Dialer::Target& master, std::size_t link) override;
  WorkerPublisher* slot_publisher() override;
  void on_subscription_up() override { owner_.on_link_up(); }
  void on_subscription_down(std::string_view why) override;
  void on_subscription_batch(std::string_view batch, Order order) override {
    owner_.on_link_batch(batch, order);
  }
  void on_subscription_cut() override { owner_.on_subscription_cut(); }
  void on_subscription_moved() override { ask(); }
  void on_unsubscribe_refused(std::string_view why) override { owner_.on_unsubscribe_refused(why); }

  void apply(TimePoint now);
  /// nullptr: its address is not known.
  WorkerPublisher* publisher_at(const Dialer::Target& master, TimePoint now);
  /// nullptr: nobody known serves the slot.
  WorkerPublisher* publisher_of(Slot slot) const;
  void close_all();
  /// Where the slots are.
  void ask();
  bool has_moved_lately(Slot slot) const;
  /// Whether anybody is subscribed where the slot has moved to will be known when what was sent
  /// there is answered.
  bool is_probed(Slot slot) const;
  /// Another master than the slot's own has not answered yet what it was sent for it.
  bool is_in_transit(Slot slot) const;
  void hold(const WorkerBatch& batch, HostPort refused_by, bool was_unreceived);
  void release();
  /// Somebody has received it who is subscribed at that master.
  void note_received(const WorkerPublisher& at, const WorkerBatch& batch);
  void tell_results();
  void end_retired(TimePoint now);

  const Slot own_slot_;
  WorkerPubSub::ClusterOwner& owner_;
  const Traffic traffic_;
  std::optional<RedisTarget> target_;
  std::optional<TimePoint> apply_at_;  // the target is not connected to yet
  TimePoint now_{};                    // of the event that is being handled, for callbacks
  TimePoint last_tick_{};
  RetryPause retry_pause_;
  std::vector<std::unique_ptr<WorkerPublisher>> publishers_;  // by link; nullptr: free
  std::vector<WorkerPublisher*> by_master_;                   // as in the slot map
  std::deque<Former> former_;                                 // maps, for some time
  std::vector<Slot> proven_;  // where somebody is subscribed, of those that have moved since
  HeldBatches held_;
  bool has_transit_ = false;
  // What the owner is told when nothing is under way: batches.
  std::vector<std::uint64_t> unpublished_;
  std::vector<std::uint64_t> unreceived_;
  TimePoint last_asked_{};
  TimePoint last_unreceived_{};
  TimePoint alert_until_{};
  std::vector<pollfd> poll_entries_;

  ClusterSubscription subscription_;  // destroyed first: it calls the rest
};

}  // namespace crolang::redis_registry
