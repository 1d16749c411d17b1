#pragma once
/// The subscription of one worker link in a cluster, at the master that serves the slot of its
/// channels; when the slot moves, so does the subscription. Subscribes at the new master before it
/// unsubscribes at the old one, holds back the batches of both until the old one has confirmed that
/// no more will come, and then passes them on in the order in which they were sent, without
/// duplicates. Up means that a message to itself has arrived. Time is an argument. Threads: one at
/// a time. Errors: std::bad_alloc, after which close must be called.

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/batch_order.hpp"
#include "redis-registry/connection_times.hpp"
#include "redis-registry/dialer.hpp"
#include "redis-registry/endpoint.hpp"
#include "redis-registry/traffic.hpp"
#include "redis-registry/worker_publisher.hpp"
#include "redis-registry/worker_pubsub.hpp"
#include "redis-registry/worker_subscription.hpp"

namespace crolang::redis_registry {

class ClusterSubscription {
 public:
  /// How long it stays up while its slot is moving between two masters.
  static constexpr std::chrono::milliseconds kMoveTime{1000};

  struct Owner {
    virtual ~Owner() = default;
    /// `link`: 0 or 1.
    virtual std::unique_ptr<Transport> connect(const Dialer::Target& master, std::size_t link) = 0;
    virtual const Login& login() const = 0;
    /// Where the slot of the channels is; nullptr: it is not connected.
    virtual WorkerPublisher* slot_publisher() = 0;
    virtual void on_subscription_up() = 0;
    /// It was up, or an attempt failed.
    virtual void on_subscription_down(std::string_view why) = 0;
    virtual void on_subscription_batch(std::string_view batch, WorkerPubSub::Order order) = 0;
    /// The master has ended the subscription, and not the connection of slot_publisher.
    virtual void on_subscription_cut() = 0;
    /// The slot is not where it was thought to be.
    virtual void on_subscription_moved() = 0;
    /// The subscription at the former master could only be cut off: `why`.
    virtual void on_unsubscribe_refused(std::string_view why) = 0;
  };

  /// `channels`: of one slot. The first one gets the heartbeat, a batch without records.
  ClusterSubscription(std::vector<std::string> channels, std::string heartbeat, Owner& owner,
                      const Traffic& traffic);

  /// Subscribes at this master; nullptr: at none, until the next call.
  void move(const Dialer::Target* master, TimePoint now);
  /// Does not notify the owner.
  void close();

  bool is_up() const { return is_up_; }
  /// It searches for the master that serves the slot.
  bool is_lost() const { return is_up_ && active_ == nullptr; }
  /// Ticks are needed often.
  bool is_busy() const {
    return !is_up_ || active_ == nullptr || next_ != nullptr || previous_ != nullptr;
  }

  pollfd poll_entry(std::size_t link, TimePoint now) const;
  void on_poll(std::size_t link, short events, TimePoint now);
  void flush(TimePoint now);
  void tick(TimePoint now);
  /// When tick must be called, apart from every tenth of a second while it is busy, or every
  /// second.
  TimePoint due() const;
  /// After the process was suspended.
  void restart_clocks(TimePoint now);

 private:
  void on_batch(const WorkerSubscription& from, std::string_view batch);
  void watch(TimePoint now);
  void watch_next(TimePoint now);
  void watch_active(TimePoint now);
  void subscribe(TimePoint now);
  void take_over(TimePoint now);
  void leave(WorkerSubscription& subscription, TimePoint now);
  void close_previous(TimePoint now);
  bool holds_back() const;
  /// It is subscribed where the slot is.
  bool is_there() const {
    return active_ != nullptr && master_ && active_->master() == master_->host;
  }
  void pass_on_held();
  void pass_on(std::string_view batch);
  void drain(WorkerSubscription& subscription, TimePoint now);
  void send_heartbeat(WorkerPublisher& publisher, TimePoint now);
  void on_heartbeat_reply(std::uint64_t generation, const redisReply* reply);
  void lose(std::string_view why, bool has_moved, TimePoint now);
  void go_down(std::string_view why);

  const std::vector<std::string> channels_;
  const std::string heartbeat_;
  Owner& owner_;
  std::optional<Dialer::Target> master_;
  std::array<WorkerSubscription, 2> subscriptions_;
  WorkerSubscription* active_ = nullptr;
  WorkerSubscription* next_ = nullptr;      // takes over once it is subscribed
  WorkerSubscription* previous_ = nullptr;  // at the master before
  TimePoint left_at_{};
  std::vector<std::string> held_back_;  // batches
  std::size_t held_bytes_ = 0;
  bool is_up_ = false;
  TimePoint now_{};  // of the event that is being handled, for callbacks
  TimePoint retry_at_{};
  RetryPause retry_pause_;
  BatchOrder order_;
  std::uint64_t generation_ = 0;              // of active_
  std::optional<TimePoint> heartbeat_since_;  // sent and not back yet
  TimePoint next_heartbeat_{};
  TimePoint last_received_{};
  bool is_proven_ = false;      // something has arrived on active_
  bool is_unreceived_ = false;  // its own heartbeat had no receiver
  std::string refusal_;
  TimePoint lost_since_{};
  std::string lost_why_;
};

}  // namespace crolang::redis_registry
