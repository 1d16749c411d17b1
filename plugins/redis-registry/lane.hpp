#pragma once
/// Carries the messages between the nodes of one worker and those of other brokers, on that
/// worker's own loop (io/1): no other thread of this broker is woken for them. Reads what others
/// publish on the lane's channels, delivers it, and publishes messages and replies at the end of
/// the worker's turn.
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
#include "redis-registry/lane_cluster.hpp"
#include "redis-registry/lane_connection.hpp"
#include "redis-registry/lane_messages.hpp"
#include "redis-registry/lane_target.hpp"
#include "redis-registry/lane_way.hpp"
#include "redis-registry/requests.hpp"

namespace crolang::redis_registry {

class Lane final : LaneWay::ClusterOwner {
 public:
  /// What a lane leaves to the service. Any thread.
  struct Superior {
    virtual ~Superior() = default;
    /// Looks at the leases, and tells the lane.
    virtual void look_up(std::uint32_t lane, std::vector<Unreached> unreached) = 0;
    /// The lane has seen that another master serves a slot now than the map says. Asks the cluster,
    /// and tells the lanes what has changed. May be called often.
    virtual void on_outdated_slots() = 0;
  };
  struct Place {
    std::uint32_t worker;
    std::uint32_t workers;
    const crolang_io& io;
    std::string instance;
    std::string prefix;  ///< of the channels, up to the name of a broker
    LaneTraffic traffic{};
  };

  Lane(Place place, plugin::Host host, plugin::RegistryEvents events, Superior& superior);
  ~Lane() override;

  // What the service tells.
  struct Serve {
    LaneTarget target;
  };
  struct Leave {
    std::string why;
  };
  struct ChangeTarget {
    LaneTarget target;
  };
  /// While it is served by a cluster: the slots or addresses have changed.
  struct Moved {
    LaneTarget target;
  };
  struct Located {
    std::uint64_t request;
    bool lease_stands;
  };
  using News = std::variant<Serve, Leave, ChangeTarget, Moved, std::vector<Located>>;
  /// Any thread.
  void tell(News news);

  void send(std::string_view instance, const plugin::Lease& to, std::string_view body,
            plugin::YesNo answer);
  /// At the end of each turn of the loop in which something was sent or a callback of io/1 has run.
  void flush();
  /// The service was asked something on this thread, so it has to be flushed, too.
  void note_asked() { has_asked_ = true; }
  bool take_asked() { return std::exchange(has_asked_, false); }
  /// Any thread: when a message was last sent or received.
  TimePoint last_message() const {
    return TimePoint(TimePoint::duration(last_message_.load(std::memory_order_relaxed)));
  }

  // To connect before there is a loop.
  void work_off();
  bool is_ready() const { return way_->is_ready(); }
  bool has_target() const { return way_->has_target(); }
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
    Lane* lane;
    std::uint64_t request;
    std::string sender;  // its address
    Outcome outcome;
  };
  struct Watched {
    Lane* lane = nullptr;
    std::size_t link = 0;
    std::uint64_t number = 0;  // 0: it is not watched
    std::uint32_t events = 0;
  };

  void on_lane_up() override;
  void on_lane_down(std::string_view why) override;
  void on_lane_batch(std::string_view batch, LaneWay::Order order) override;
  void on_subscription_cut() override;
  void on_published(std::uint64_t batch, long long subscribers, std::string_view refusal) override;
  std::unique_ptr<Transport> connect(const LaneTarget& target, std::size_t link) override;
  void on_unpublished(std::span<const std::uint64_t> batches) override {
    messages_.on_unpublished(batches);
  }
  void on_batches_lost(std::span<const std::uint64_t> batches) override {
    messages_.on_lost(batches);
  }
  void on_master_away(const HostPort& master, std::string_view why) override;
  void on_outdated_slots() override { superior_.on_outdated_slots(); }
  std::unique_ptr<Transport> connect(const LaneTarget& target, const Dialer::Target& master,
                                     std::size_t link) override;

  bool is_in_cluster() const { return way_ == &cluster_; }
  template <class F>
  void or_drop(F&& function) noexcept;
  void publish_due();
  void publish(std::string_view peer, std::string_view batch, std::uint64_t number,
               LaneMessages::Content content);
  void deliver(std::string_view sender, const MessageRecord& message);
  static void on_taken(void* call, crolang_status status, bool taken, crolang_str error) noexcept;
  void reply(Delivery& delivery);
  void handle(Serve& news);
  void handle(Leave& news);
  void handle(ChangeTarget& news);
  void handle(Moved& news);
  void handle(std::vector<Located>& news);
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
  Superior& superior_;
  const LaneAddress address_;
  TimePoint now_{};
  LaneMessages messages_;
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
  std::vector<News> news_;
  std::vector<Delivery*> late_;  // deliveries that another thread has answered

  // Destroyed first: they call the rest.
  LaneConnection single_;
  LaneCluster cluster_;
  LaneWay* way_ = &single_;
};

}  // namespace crolang::redis_registry
