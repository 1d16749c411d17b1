#pragma once
/// How the batches of one worker link get to Redis and from there: WorkerConnection, or
/// WorkerClusterConnection. Up means that a message to itself has arrived. Connects where serve
/// says, and again by itself. Time is an argument. Threads: one at a time. Errors: std::bad_alloc,
/// after which drop must be called.

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "redis-registry/redis_target.hpp"
#include "redis-registry/transport.hpp"

namespace crolang::redis_registry {

class WorkerPubSub {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Order : std::uint8_t {
    kept,
    late,  ///< later ones of its sender came before, so its messages must not be delivered
  };

  struct Owner {
    virtual ~Owner() = default;
    virtual void on_link_up() = 0;
    /// It was up, or an attempt failed. Nothing that is open will be answered.
    virtual void on_link_down(std::string_view why) = 0;
    virtual void on_link_batch(std::string_view batch, Order order) = 0;
    /// Redis has ended the subscription, and no other connection; before on_link_down.
    virtual void on_subscription_cut() = 0;
    /// Redis has published the batch of this number to so many subscribers, or refuses: `refusal`.
    virtual void on_published(std::uint64_t batch, long long subscribers,
                              std::string_view refusal) = 0;
    /// For the link of this number, as in poll_entries.
    virtual std::unique_ptr<Transport> connect(const RedisTarget& target, std::size_t link) = 0;
  };

  struct ClusterOwner : Owner {
    using Owner::connect;
    /// These batches were not published, since their masters are away. In ascending order.
    virtual void on_unpublished(std::span<const std::uint64_t> batches) = 0;
    /// Whether these were published is not known. In ascending order.
    virtual void on_batches_lost(std::span<const std::uint64_t> batches) = 0;
    /// For some time nothing can be published there.
    virtual void on_master_away(const HostPort& master, std::string_view why) = 0;
    virtual void on_outdated_slots() = 0;
    /// The user may not end a subscription, so what comes meanwhile is lost when a slot moves.
    virtual void on_unsubscribe_refused(std::string_view why) = 0;
    virtual std::unique_ptr<Transport> connect(const RedisTarget& target,
                                               const Dialer::Target& master, std::size_t link) = 0;
  };

  virtual ~WorkerPubSub() = default;

  /// Connects to that server or cluster; what was connected is closed before.
  virtual void serve(RedisTarget target, TimePoint now) = 0;
  /// Closes all connections, and makes no others.
  virtual void leave(std::string_view why, TimePoint now) = 0;
  /// For the next connections. In a cluster, those to masters that it still has are kept.
  virtual void change_target(RedisTarget target, TimePoint now) = 0;
  /// Closes all connections, and makes others.
  virtual void drop(std::string_view why, TimePoint now) = 0;

  virtual bool is_up() const = 0;
  /// Publications are sent, perhaps before it is known that messages arrive.
  virtual bool may_publish() const = 0;
  virtual bool has_target() const = 0;
  /// Up, and nothing is connecting for the first time.
  virtual bool is_ready() const = 0;
  /// Redis can be told not to reply.
  virtual bool may_mute() const { return false; }
  static constexpr std::uint64_t kNoNumber = 0;
  /// What is known of whom a batch is for.
  enum class Receiver : std::uint8_t {
    unknown,
    alive,  ///< it has published something just now, so its channel is served somewhere
  };
  /// Sends the batch with the next flush. kNoNumber, only if Redis can be muted: there is no
  /// on_published for it, and no reply either.
  virtual void publish(std::string_view channel, std::string_view batch, std::uint64_t number,
                       Receiver receiver, TimePoint now) = 0;
  virtual void flush(TimePoint now) = 0;

  /// By link. Valid until the next call.
  virtual std::span<const pollfd> poll_entries(TimePoint now) = 0;
  virtual void on_poll(std::size_t link, short events, TimePoint now) = 0;
  /// Call it when due.
  virtual void tick(TimePoint now) = 0;
  virtual TimePoint due() const = 0;
};

}  // namespace crolang::redis_registry
