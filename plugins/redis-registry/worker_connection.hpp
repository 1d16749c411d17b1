#pragma once
/// The connection of one worker link to one Redis server: one link that publishes, and one that
/// subscribes to the worker link's channels; if one breaks, both are closed. See worker_pubsub.hpp.

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/connection_times.hpp"
#include "redis-registry/link.hpp"
#include "redis-registry/redis_target.hpp"
#include "redis-registry/traffic.hpp"
#include "redis-registry/worker_pubsub.hpp"

namespace crolang::redis_registry {

class WorkerConnection final : public WorkerPubSub {
 public:
  /// `channels`: to subscribe to, the first of which gets the heartbeat, a batch without records.
  WorkerConnection(std::vector<std::string> channels, std::string heartbeat, Owner& owner,
                   const WorkerTraffic& traffic);

  void serve(RedisTarget target, TimePoint now) override;
  void leave(std::string_view why, TimePoint now) override;
  void change_target(RedisTarget target, TimePoint now) override;
  void drop(std::string_view why, TimePoint now) override;
  bool is_up() const override { return state_ == State::up; }
  bool may_publish() const override { return state_ != State::idle && state_ != State::waiting; }
  bool has_target() const override { return target_.has_value(); }
  bool is_ready() const override { return is_up(); }
  bool may_mute() const override { return may_mute_; }
  void publish(std::string_view channel, std::string_view batch, std::uint64_t number,
               Receiver receiver, TimePoint now) override;
  void flush(TimePoint now) override;
  std::span<const pollfd> poll_entries(TimePoint now) override;
  void on_poll(std::size_t link, short events, TimePoint now) override;
  void tick(TimePoint now) override;
  TimePoint due() const override;

 private:
  enum class State : std::uint8_t { idle, waiting, opening, verifying, up };

  void open(TimePoint now);
  void log_in(Link& link, TimePoint now);
  void ask_for_muting(TimePoint now);
  void set_muted(bool muted, TimePoint now);
  void send_heartbeat(TimePoint now);
  void on_reply(std::uint64_t number, const redisReply* reply);
  void on_publication(std::string_view batch);
  void watch(TimePoint now);
  void fail(std::string_view why, TimePoint now);

  const std::vector<std::string> channels_;
  const std::string heartbeat_;
  Owner& owner_;
  State state_ = State::idle;
  std::optional<RedisTarget> target_;
  TimePoint retry_at_{};
  TimePoint now_{};  // of the event that is being handled, for callbacks
  TimePoint last_tick_{};
  Link publisher_;
  Link subscription_;
  std::size_t open_handshakes_ = 0;  // commands and channels
  std::string refusal_;
  std::optional<TimePoint> heartbeat_since_;  // sent and not back yet
  TimePoint last_received_{};
  bool may_mute_ = false;
  bool is_muted_ = false;   // Redis does not reply to the publisher
  std::size_t unread_ = 0;  // publications whose reply was not read yet
  RetryPause retry_pause_;
  std::array<pollfd, 2> poll_entries_{};
};

}  // namespace crolang::redis_registry
