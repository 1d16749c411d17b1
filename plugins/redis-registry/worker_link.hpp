#pragma once
/// Carries the messages between the nodes of one worker and those of other brokers, on that
/// worker's own loop (io/1): no other thread of this broker is woken for them. Reads what others
/// publish on the worker link's channels, delivers it, and publishes messages and replies at the
/// end of the worker's loop iteration.
///
/// Threads: the worker's, unless a function says otherwise. Until attach, and once the workers have
/// ended, the control thread takes its place. Errors: if there is no memory, the connection is
/// dropped, which answers everything that is open.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "crolang/io.h"
#include "crolang/plugin.hpp"
#include "redis-registry/redis_target.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/worker_cluster_connection.hpp"
#include "redis-registry/worker_connection.hpp"
#include "redis-registry/worker_messages.hpp"
#include "redis-registry/worker_pubsub.hpp"

namespace crolang::redis_registry {

class WorkerLink final : WorkerPubSub::ClusterOwner {
 public:
  /// The part of the service that worker links use. Any thread.
  struct Supervisor {
    virtual ~Supervisor() = default;
    /// Looks at the leases, and tells the worker link.
    virtual void look_up(std::uint32_t worker_link, std::vector<Unreached> unreached) = 0;
    /// The worker link has seen that another master serves a slot now than the map says. Asks the
    /// cluster, and tells the worker links what has changed. May be called often.
    virtual void on_outdated_slots() = 0;
  };
  struct Place {
    std::uint32_t worker;
    std::uint32_t workers;
    const crolang_io& io;
    std::string instance;
    std::string prefix;  ///< of the channels, up to the name of a broker
    WorkerTraffic traffic{};
  };

  WorkerLink(Place place, plugin::Host host, plugin::RegistryEvents events, Supervisor& supervisor);
  ~WorkerLink() override;

  // What the service tells.
  struct Serve {
    RedisTarget target;
  };
  struct Leave {
    std::string why;
  };
  struct ChangeTarget {
    RedisTarget target;
  };
  /// While it is served by a cluster: the slots or addresses have changed.
  struct Moved {
    RedisTarget target;
  };
  struct Located {
    std::uint64_t request;
    bool is_lease_held;
  };
  using Command = std::variant<Serve, Leave, ChangeTarget, Moved, std::vector<Located>>;
  /// Any thread.
  void put(Command command);

  void send(std::string_view instance, const plugin::Lease& to, std::string_view body,
            plugin::YesNo answer);
  /// At the end of each iteration of the loop in which something was sent or a callback of io/1 has
  /// run.
  void flush();
  /// The service was asked something on this thread, so it has to be flushed, too.
  void note_asked() { has_asked_ = true; }
  bool take_asked() { return std::exchange(has_asked_, false); }
  /// Any thread: when a message was last sent or received.
  TimePoint last_message() const {
    return TimePoint(TimePoint::duration(last_message_.load(std::memory_order_relaxed)));
  }

  // To connect before there is a loop.
  void run_commands();
  bool is_ready() const { return pubsub_->is_ready(); }
  bool has_target() const { return pubsub_->has_target(); }
  /// Valid until the next call.
  std::span<const pollfd> poll_entries();
  /// With what poll has found of them.
  void on_poll(std::span<const pollfd> entries);
  /// From now on the worker's thread runs it.
  void attach() { flush(); }
  /// Answers everything.
  void stop();

 private:
  class WatchedTransport;
  /// A message that is being delivered.
  struct Delivery {
    WorkerLink* worker_link;
    std::uint64_t request;
    std::string sender;  // its address
    Outcome outcome;
  };
  struct Watched {
    WorkerLink* worker_link = nullptr;
    std::size_t link = 0;
    std::uint64_t number = 0;  // 0: it is not watched
    std::uint32_t events = 0;
  };

  void on_link_up() override;
  void on_link_down(std::string_view why) override;
  void on_link_batch(std::string_view batch, WorkerPubSub::Order order) override;
  void on_subscription_cut() override;
  void on_published(std::uint64_t batch, long long subscribers, std::string_view refusal) override;
  std::unique_ptr<Transport> connect(const RedisTarget& target, std::size_t link) override;
  void on_unpublished(std::span<const std::uint64_t> batches) override {
    messages_.on_unpublished(batches);
  }
  void on_batches_lost(std::span<const std::uint64_t> batches) override {
    messages_.on_lost(batches);
  }
  void on_master_away(const HostPort& master, std::string_view why) override;
  void on_outdated_slots() override { supervisor_.on_outdated_slots(); }
  void on_unsubscribe_refused(std::string_view why) override;
  std::unique_ptr<Transport> connect(const RedisTarget& target, const Dialer::Target& master,
                                     std::size_t link) override;

  bool is_in_cluster() const { return pubsub_ == &cluster_; }
  template <class F>
  void or_drop(F&& function) noexcept;
  void publish_due();
  void publish(std::string_view peer, std::string_view batch, std::uint64_t number,
               WorkerMessages::Content content);
  void deliver(std::string_view sender, const MessageRecord& message);
  static void on_taken(void* call, crolang_status status, bool taken, crolang_str error) noexcept;
  void reply(Delivery& delivery);
  void reply(std::string_view sender, const ReplyRecord& reply);
  void handle(Serve& command);
  void handle(Leave& command);
  void handle(ChangeTarget& command);
  void handle(Moved& command);
  void handle(std::vector<Located>& command);
  void post();
  void tick();
  /// False: the system refuses.
  bool watch(std::size_t link, const pollfd& entry);
  void unwatch(std::size_t link) noexcept;
  void arm();
  void warn(std::string_view text);
  void note_message();
  std::string_view address_of(std::string_view instance);

  static void on_event(void* arg, std::uint32_t events) noexcept;
  static void on_timer(void* arg) noexcept;
  static void on_post(void* arg) noexcept;

  const Place place_;
  const plugin::Host host_;
  const plugin::RegistryEvents events_;
  Supervisor& supervisor_;
  const WorkerAddress address_;
  TimePoint now_{};
  WorkerMessages messages_;
  std::string channel_;        // scratch
  std::string peer_instance_;  // the last one sent to
  std::string peer_address_;   // its address
  std::deque<Delivery> deliveries_;
  std::vector<Delivery*> free_deliveries_;
  std::string reason_ = "not connected yet";
  bool has_asked_ = false;
  TimePoint down_since_{};
  TimePoint last_warning_{};
  TimePoint last_tick_{};
  std::deque<Watched> watched_;  // by link
  std::uint64_t timer_ = 0;      // 0: none
  TimePoint timer_due_{};
  std::atomic<TimePoint::rep> last_message_{0};

  std::mutex mutex_;  // guards what follows
  std::vector<Command> commands_;
  std::vector<Delivery*> late_;  // deliveries that another thread has answered

  // Destroyed first: they call the rest.
  WorkerConnection single_;
  WorkerClusterConnection cluster_;
  WorkerPubSub* pubsub_ = &single_;
};

}  // namespace crolang::redis_registry
