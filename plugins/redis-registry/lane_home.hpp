#pragma once
/// The subscription of one lane in a cluster: at the master that serves the slot of its channels,
/// to which it follows them. Subscribes at the new one before it leaves the old one, and holds back
/// what both have until the old one has said that nothing more will come; then passes it on in the
/// order in which it was sent, and nothing twice. Up means that a message to itself has
/// arrived. Time is an argument. Threads: one at a time. Errors: std::bad_alloc, after which close
/// must be called.

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/connection_times.hpp"
#include "redis-registry/dialer.hpp"
#include "redis-registry/endpoint.hpp"
#include "redis-registry/lane_overlap.hpp"
#include "redis-registry/lane_publisher.hpp"
#include "redis-registry/lane_subscription.hpp"
#include "redis-registry/lane_way.hpp"
#include "redis-registry/traffic.hpp"

namespace crolang::redis_registry {

class LaneHome {
 public:
  /// For so long it stays up while its slot is between two masters.
  static constexpr std::chrono::milliseconds kMoveTime{1000};

  struct Owner {
    virtual ~Owner() = default;
    /// `link`: 0 or 1.
    virtual std::unique_ptr<Transport> connect(const Dialer::Target& master, std::size_t link) = 0;
    virtual const Login& login() const = 0;
    /// Where the slot of the channels is; nullptr: it is not connected.
    virtual LanePublisher* home_publisher() = 0;
    virtual void on_home_up() = 0;
    /// It was up, or an attempt failed.
    virtual void on_home_down(std::string_view why) = 0;
    virtual void on_home_batch(std::string_view batch, LaneWay::Order order) = 0;
    /// The master has ended the subscription, and not the connection of home_publisher.
    virtual void on_home_cut() = 0;
    /// The slot is not where it was thought to be.
    virtual void on_home_moved() = 0;
  };

  /// `channels`: of one slot. The first one gets the heartbeat, a batch without records.
  LaneHome(std::vector<std::string> channels, std::string heartbeat, Owner& owner,
           const Traffic& traffic);

  /// Subscribes there; with nullptr nowhere, until it is told where.
  void move(const Dialer::Target* master, TimePoint now);
  /// Without a word to the owner.
  void close();

  bool is_up() const { return is_up_; }
  /// It looks for the master that serves the slot.
  bool is_lost() const { return is_up_ && active_ == nullptr; }
  /// Ticks are needed often.
  bool is_busy() const {
    return !is_up_ || active_ == nullptr || coming_ != nullptr || leaving_ != nullptr;
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
  void on_batch(const LaneSubscription& from, std::string_view batch);
  void watch(TimePoint now);
  void watch_coming(TimePoint now);
  void watch_active(TimePoint now);
  void subscribe(TimePoint now);
  void take_over(TimePoint now);
  void leave(LaneSubscription& subscription, TimePoint now);
  void end_leaving(TimePoint now);
  bool holds_back() const;
  void pass_on_held();
  void pass_on(std::string_view batch);
  void drain(LaneSubscription& subscription, TimePoint now);
  void send_heartbeat(LanePublisher& publisher, TimePoint now);
  void on_heartbeat_reply(std::uint64_t life, const redisReply* reply);
  void lose(std::string_view why, bool has_moved, TimePoint now);
  void go_down(std::string_view why);

  const std::vector<std::string> channels_;
  const std::string heartbeat_;
  Owner& owner_;
  std::optional<Dialer::Target> master_;
  std::array<LaneSubscription, 2> subscriptions_;
  LaneSubscription* active_ = nullptr;
  LaneSubscription* coming_ = nullptr;   // takes over once it is subscribed
  LaneSubscription* leaving_ = nullptr;  // at the master before
  TimePoint left_at_{};
  std::vector<std::string> held_back_;  // batches
  std::size_t held_bytes_ = 0;
  bool is_up_ = false;
  TimePoint now_{};  // of the event that is being handled, for callbacks
  TimePoint retry_at_{};
  RetryPause retry_pause_;
  LaneOverlap overlap_;
  std::uint64_t life_ = 0;                    // of active_
  std::optional<TimePoint> heartbeat_since_;  // sent and not back yet
  TimePoint next_heartbeat_{};
  TimePoint last_heard_{};
  bool is_proven_ = false;   // something has arrived on active_
  bool is_unheard_ = false;  // its own heartbeat had no receiver
  std::string refusal_;
  TimePoint lost_since_{};
  std::string lost_why_;
};

}  // namespace crolang::redis_registry
