#pragma once
/// The link of one worker link to one master of a cluster, on which it publishes. Connects again by
/// itself. If it is lost, so is what Redis has not answered yet. Time is an argument. Threads: one
/// at a time. Errors: std::bad_alloc, after which abandon must be called.

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "redis-registry/connection_times.hpp"
#include "redis-registry/dialer.hpp"
#include "redis-registry/endpoint.hpp"
#include "redis-registry/link.hpp"
#include "redis-registry/traffic.hpp"
#include "redis-registry/transport.hpp"
#include "redis-registry/worker_batches.hpp"

namespace crolang::redis_registry {

class WorkerPublisher {
 public:
  /// Must not destroy the publisher.
  struct Owner {
    virtual ~Owner() = default;
    virtual std::unique_ptr<Transport> connect(const WorkerPublisher& publisher) = 0;
    virtual const Login& login() const = 0;
    /// It was published to so many receivers, or `error`. The batch is valid until the publisher
    /// is used.
    virtual void on_answer(const WorkerPublisher& at, const WorkerBatch& batch, long long receivers,
                           std::string_view error) = 0;
    /// No memory was left to send it.
    virtual void on_unsent(std::uint64_t batch) = 0;
    /// The connection was lost before Redis answered. In the order in which they were published.
    virtual void on_lost(const WorkerBatches& batches) = 0;
    /// It was up, or an attempt failed.
    virtual void on_down(const WorkerPublisher& publisher, std::string_view why,
                         TimePoint since) = 0;
  };

  /// `link`: its number for the owner.
  WorkerPublisher(std::size_t link, Dialer::Target master, Owner& owner, const Traffic& traffic);

  std::size_t link() const { return link_number_; }
  const Dialer::Target& master() const { return master_; }
  /// For the next connection: it may have another address.
  void change_master(Dialer::Target master) { master_ = std::move(master); }

  void open(TimePoint now);
  /// Closes the connection, and connects again at that time. What is unanswered is lost.
  void end(TimePoint again_at);
  /// Likewise, but does not notify the owner.
  void abandon(TimePoint again_at);
  /// Nothing more will be published: to be destroyed once it is done.
  void retire(TimePoint now);
  void recall() { retired_at_.reset(); }
  bool is_retired() const { return retired_at_.has_value(); }
  bool is_done(TimePoint now) const;

  bool is_up() const { return state_ == State::up; }
  /// See Link.
  bool is_intact() const { return link_.is_intact(); }
  /// The first attempt is not over.
  bool is_starting() const { return state_ == State::opening && !has_tried_; }
  bool is_idle() const { return state_ != State::opening && link_.is_idle(); }
  const WorkerBatches& unanswered() const { return sent_; }

  /// It must be up. Sends with the next flush.
  void publish(const WorkerBatch& batch, TimePoint now);
  /// `on_reply` as that of Link::command.
  void publish_heartbeat(std::string_view channel, std::string_view batch, TimePoint now,
                         std::function<void(const redisReply*)> on_reply);
  void flush(TimePoint now);

  /// `is_urgent`: answers are awaited. Otherwise they are read by the dozen, or in tick.
  pollfd poll_entry(bool is_urgent, TimePoint now) const;
  void on_poll(short events, TimePoint now);
  void tick(TimePoint now);
  /// When tick must be called, apart from every tenth of a second unless it is idle.
  TimePoint due() const;
  /// After the process was suspended.
  void restart_clocks(TimePoint now) { link_.restart_clocks(now); }

 private:
  enum class State : std::uint8_t { closed, opening, up };

  void log_in(TimePoint now);
  void note_up();
  void on_reply(std::uint64_t number, const redisReply* reply);
  void check(TimePoint now);
  void fail(std::string_view why, TimePoint now);

  const std::size_t link_number_;
  Dialer::Target master_;
  Owner& owner_;
  State state_ = State::closed;
  Link link_;
  WorkerBatches sent_;  // and not answered
  bool is_logged_in_ = false;
  std::string refusal_;
  bool has_tried_ = false;
  TimePoint retry_at_{};
  std::optional<TimePoint> down_since_;
  std::optional<TimePoint> retired_at_;
  RetryPause retry_pause_;
};

}  // namespace crolang::redis_registry
