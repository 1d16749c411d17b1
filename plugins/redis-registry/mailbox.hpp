#pragma once
/// The subscription to this broker's channel in a cluster, at the master of its slot. Up means: a
/// message to itself has arrived. Subscribes again by itself, and where the slot is served. Time is
/// an argument. Threads: the holder of the service's lock.

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis-registry/connection_times.hpp"
#include "redis-registry/link.hpp"
#include "redis-registry/redis_target.hpp"

namespace crolang::redis_registry {

class Mailbox {
 public:
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_mail(std::string_view batch) = 0;
    /// It was up: open requests will not be answered.
    virtual void on_mailbox_lost(std::string_view why) = 0;
    /// Publishes a batch without records on the channel; `on_heartbeat` is to be told the answer,
    /// and `generation`.
    virtual void send_heartbeat(std::uint64_t generation) = 0;
    /// Redis refuses the subscription.
    virtual void on_mailbox_refused(std::string_view why) = 0;
    /// The channel is not served where it was.
    virtual void on_outdated() = 0;
  };

  Mailbox(std::string channel, Owner& owner, Traffic traffic);

  bool is_up() const { return state_ == State::up; }
  /// Where the slot is served; nullopt: it is not known, or cannot be reached.
  void set_master(const RedisTarget* home, TimePoint now);
  /// How many subscribers have received a heartbeat; nullopt: it could not be published. Ignored if
  /// it belongs to an earlier subscription.
  void on_heartbeat(std::uint64_t generation, std::optional<long long> receivers, TimePoint now);

  pollfd poll_entry(TimePoint now) const { return link_.poll_entry(now); }
  void on_poll(short events, TimePoint now);
  void flush() { link_.flush(); }
  void tick(TimePoint now);
  void restart_clocks(TimePoint now);
  void close();

 private:
  enum class State : std::uint8_t { waiting, opening, verifying, up };

  void open(TimePoint now);
  void beat(TimePoint now);
  void on_publication(std::string_view batch);
  void watch(TimePoint now);
  void lose(std::string_view why, TimePoint now);

  const std::string channel_;
  Owner& owner_;
  Link link_;
  State state_ = State::waiting;
  std::uint64_t generation_ = 0;  // of the subscription
  std::optional<RedisTarget> target_;
  TimePoint retry_at_{};
  TimePoint now_{};
  std::size_t handshakes_ = 0;  // commands and the subscription
  std::string refusal_;
  std::optional<TimePoint> heartbeat_since_;  // a heartbeat was sent, and is not back yet
  TimePoint last_received_{};
  RetryPause retry_pause_;
};

}  // namespace crolang::redis_registry
