#pragma once
/// One thread with its own epoll: reads and times the connections that live on it, and lets the
/// broker decide.
///
/// A turn: wait → read what is ready → collect what other threads ask → time-outs, if all that was
/// there has been read → write once to every connection that has got something. Epoll is used
/// directly: a socket layer that is asked anew for every read would cost a system call more per
/// message, and this is where a message's cost is.
///
/// Memory: what cannot be had for a connection (std::bad_alloc) costs that connection, and nothing
/// else. Where the whole process uses too much, whoever holds most is ended.
///
/// Threads: run on its own; post, receive, wake and what it counts from any; everything else is the
/// worker's.

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/grid.hpp"
#include "broker/ports.hpp"
#include "modules/clients/call_desk.hpp"
#include "modules/clients/clients.hpp"
#include "net/http_request.hpp"
#include "net/listener.hpp"
#include "net/mailbox.hpp"
#include "net/memory_budget.hpp"
#include "net/strangers.hpp"
#include "net/timeout_gate.hpp"
#include "net/timer_wheel.hpp"
#include "session/session.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::net {

/// What a worker needs of the server it belongs to. Any thread.
class Pages {
 public:
  virtual Response render(PageRequest request) = 0;
  /// Which worker should take a connection that this one has accepted.
  virtual std::uint16_t choose_worker(std::uint16_t accepted_by) = 0;
  /// For nodes: the one that asks is counted already.
  enum class Room : std::uint8_t {
    plenty,
    for_holders,  ///< only for who claims an id that is held here: it may take its own place
    none,
  };
  virtual Room room() const = 0;
  /// No more connections of any kind are taken: the files that are left are not for them.
  virtual bool is_overfull() const = 0;
  /// The largest that all workers have found a connection to hold.
  virtual std::size_t largest_holding() const = 0;
  virtual MemoryBudget& memory() = 0;
  /// An accepted socket moves to another worker.
  virtual void hand_over(Descriptor socket, std::uint16_t worker) = 0;

 protected:
  ~Pages() = default;
};

class Worker final : public broker::LocalSessions {
 public:
  Worker(std::uint16_t index, broker::Grid& grid, Pages& pages, const session::Limits& limits,
         std::chrono::milliseconds plugin_timeout, int listener);
  ~Worker();

  using Task = std::function<void(Worker&)>;

  void run();
  /// Any thread.
  void post(Task task);
  void wake();
  /// Any thread: takes over a socket that another worker has accepted. Throws std::bad_alloc.
  void receive(Descriptor socket);
  /// Connections of any kind; those that have been upgraded; and those among them that are nodes,
  /// or may become some: neither refused nor waiting for nothing but their end.
  std::uint32_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
  std::uint32_t sessions() const noexcept { return sessions_.load(std::memory_order_relaxed); }
  std::uint32_t nodes() const noexcept { return nodes_.load(std::memory_order_relaxed); }
  /// Memory held for messages and requests that are not complete, in bytes.
  std::uint64_t inbound_bytes() const noexcept {
    return inbound_bytes_.load(std::memory_order_relaxed);
  }
  /// What the connection with the most to its name held when memory was last exhausted, in bytes.
  std::size_t largest_holding() const noexcept {
    return largest_holding_.load(std::memory_order_relaxed);
  }
  const telemetry::WorkerCounters& counters() const noexcept { return counters_; }
  const telemetry::SharedCounters& plugin_faults() const noexcept { return plugin_faults_; }

  broker::Broker& broker() noexcept { return broker_; }
  void start_sweeping(std::chrono::milliseconds interval) {
    broker_.start_sweeping(interval, now_);
  }
  /// Sends nodes away, so that they come back elsewhere, until no more than so many are left; and
  /// whoever was refused, or has left, and is still connected.
  void drain(std::size_t may_stay);
  /// Cuts the connections that are left and ends the loop once their leases are given back.
  void stop();

  // LocalSessions
  session::Session* find(session::SessionHandle handle) override;
  void touched(session::Session& session) override;
  void open_transport(session::Session& session) override;
  void rest(session::Session& session) override;
  void refuse_transport(session::Session& session, broker::Trouble trouble) override;
  std::optional<broker::Trouble> lack(session::Session& newcomer) override;
  std::optional<std::uint64_t> backlog_progress(session::Session& session) override;

 private:
  enum class Phase : std::uint8_t {
    request,    ///< the header is not complete
    admitting,  ///< it is; the node waits for its 101
    open,       ///< a session speaks
    finishing,  ///< once everything is written, TCP is ended
    lingering,  ///< our side is ended; what still comes is thrown away
  };

  struct Connection : TimerNode {
    session::SessionHandle handle;
    session::Outlet* outlet = nullptr;
    int fd = -1;
    Phase phase = Phase::request;
    // Packed, since a broker mostly holds idle nodes.
    bool gone : 1 = false;
    bool answered : 1 = false;    // a request on it, since which it may be idle
    bool is_node : 1 = false;     // or may become one: it adds to nodes_
    bool unread : 1 = false;      // the last reading did not take all there was
    bool resting : 1 = false;     // nothing is read from it for a moment
    bool skipping : 1 = false;    // bytes that mean nothing are to come, as many as are needed
    std::uint32_t accounted = 0;  // what it adds to inbound_bytes_
    std::uint32_t needed = 0;     // how many held bytes are worth another look
    std::string held;             // the beginning of a request or of a frame
    std::unique_ptr<std::string> response;  // the 101, while admitting
    std::optional<session::Session> session;
    TimePoint end_by;  // of every phase but open
  };

  void serve(const epoll_event& event);
  void judge_timeouts();
  void wake_rested();
  int watch_listener();
  void accept_ready();
  void pause_accepting(int error);
  bool make_room();
  Strangers::Kind kind_of(session::SessionHandle handle) const;
  void adopt(Descriptor socket);
  void read_ready(Connection& connection);
  void write_ready(Connection& connection);
  void take(Connection& connection, std::span<char> bytes);
  static void keep(Connection& connection, std::string_view rest);
  static void let_go(Connection& connection);
  void account(Connection& connection);
  static bool may_be_node(const Connection& connection);
  void count(Connection& connection);
  void on_request(Connection& connection, std::span<char> bytes);
  void on_header(Connection& connection, std::string_view header, std::string_view rest);
  void upgrade(Connection& connection, UpgradeRequest request, std::string_view rest);
  void refuse(Connection& connection, unsigned status, const RequestRefusal& refusal);
  void respond(Connection& connection, const Response& response);
  void on_open_bytes(Connection& connection, std::span<char> bytes);
  void settle(Connection& connection);
  void finish(Connection& connection);
  void end_finished();
  void end(Connection& connection, const session::End& why);
  static bool is_open(const Connection& connection);
  void bury_ended();
  void on_timer(Connection& connection);
  void reschedule(Connection& connection);
  void flush_dirty();
  void write(Connection& connection, std::string_view bytes);
  void watch_memory();
  void relieve(MemoryBudget& memory);
  std::size_t holding(Connection& connection);
  template <class Function>
  bool survives(Function&& function);
  void on_bad_alloc() noexcept;
  TimePoint due() const;
  int wait_time() const;
  bool is_done() const;

  static modules::CallDesk::Hooks desk_hooks(Worker& worker);

  const std::uint16_t index_;
  broker::Grid& grid_;
  Pages& pages_;
  const session::Limits& limits_;
  const int listener_;
  Descriptor epoll_;
  Descriptor event_;
  TimePoint now_;
  TimePoint due_ = TimePoint::max();  // when it meant to wake up at the latest
  TimeoutGate gate_;
  std::optional<TimePoint> accept_again_;  // set: the listener is not watched
  TimerWheel wheel_;
  telemetry::WorkerCounters counters_;
  telemetry::SharedCounters plugin_faults_;  // plugins' threads count here
  modules::CallDesk desk_;
  modules::Clients clients_;
  broker::Broker broker_;
  Mailbox<Task> mailbox_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by slot
  std::vector<std::uint32_t> free_slots_;
  Connection* ended_ = nullptr;  // owned until the end of the turn; the next one is `next`
  std::vector<session::SessionHandle> finishing_;
  struct Resting {
    TimePoint until;
    session::SessionHandle handle;
  };
  std::deque<Resting> resting_;  // all rest for equally long
  Strangers strangers_;
  std::vector<char> buffer_;
  std::size_t taken_in_ = 0;         // bytes, since the budget was told
  TimePoint relieve_at_;             // not before
  std::atomic<bool> sleeps_{false};  // a hint for others
  std::atomic<std::uint32_t> load_{0};
  std::atomic<std::uint32_t> sessions_{0};
  std::atomic<std::uint32_t> nodes_{0};
  std::atomic<std::uint64_t> inbound_bytes_{0};
  std::atomic<std::size_t> largest_holding_{0};
  std::optional<TimePoint> stop_by_;
};

}  // namespace crolang::net
