#pragma once
/// One thread with its own epoll: drives its connections and passes their events to the broker.
///
/// A loop iteration: wait → read what is ready → execute commands of other threads → check
/// timeouts, if everything that had arrived has been read → write once to every connection with
/// queued bytes. Epoll is used directly: a socket library that arms each read anew would cost one
/// more system call per message, and system calls are most of a message's cost.
///
/// net/connection.hpp interprets the bytes of a connection, net/transport.hpp moves them to and
/// from its socket, net/accept_policy.hpp decides which sockets are accepted.
///
/// Memory: on std::bad_alloc only the connection that needed the memory is closed. When the whole
/// process uses too much, the connections that hold most are closed (net/memory_relief.hpp).
///
/// Threads: run on a thread of its own; post, receive, wake, the gauges and the counters from any;
/// everything else on the worker's thread.

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <variant>

#include "broker/broker.hpp"
#include "broker/command.hpp"
#include "broker/node.hpp"
#include "broker/ports.hpp"
#include "broker/shared_state.hpp"
#include "modules/clients/clients.hpp"
#include "modules/clients/pending_calls.hpp"
#include "net/accept_policy.hpp"
#include "net/accepted_socket.hpp"
#include "net/acceptor.hpp"
#include "net/connection.hpp"
#include "net/connection_driver.hpp"
#include "net/descriptor.hpp"
#include "net/event_descriptor.hpp"
#include "net/listener_policy.hpp"
#include "net/mailbox.hpp"
#include "net/memory_guard.hpp"
#include "net/memory_relief.hpp"
#include "net/plugin_loop.hpp"
#include "net/stall_guard.hpp"
#include "net/timer_wheel.hpp"
#include "net/worker_host.hpp"
#include "session/session.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::net {

struct WorkerOptions {
  std::uint16_t index = 0;
  int nodes_listener = -1;
  int plain_listener = -1;  ///< -1: none
  const ListenerPolicies& listeners;
  AcceptPolicy::Rules accept{};
  const session::Limits& limits;
  std::chrono::milliseconds plugin_timeout;
};

class Worker final : public broker::LocalSessions, public ConnectionHandler {
 public:
  /// Throws std::system_error. `plugin_loop` must outlive the worker.
  Worker(const WorkerOptions& options, broker::SharedState& shared, WorkerHost& host,
         PluginLoop& plugin_loop);

  /// Disconnects nodes, so that they reconnect to another broker, until at most `may_stay` are
  /// left; also closes connections whose node was refused or has left.
  struct Drain {
    std::size_t may_stay;
  };
  /// Closes the remaining connections and ends the loop once their leases are released.
  struct Stop {};

  void run();
  /// The worker that runs on the calling thread; nullptr: none. Any thread.
  static Worker* current() noexcept;
  bool serves(const broker::SharedState& shared) const noexcept { return &shared == &shared_; }
  /// What this worker has written to and not sent yet; if that is much, it is sent first. Its own
  /// thread.
  session::DirtyList& dirty() {
    flush_if_much();
    return broker_.context().dirty;
  }
  /// Any thread. Throws std::bad_alloc.
  void post(broker::Command command) { put(std::move(command)); }
  void post(Drain command) { put(command); }
  void post(Stop command) { put(command); }
  void wake() { event_.signal(); }
  /// Any thread: takes over a socket that another worker has accepted. Throws std::bad_alloc.
  void receive(AcceptedSocket accepted);
  /// Connections of any kind; those that asked for an upgrade; and those among them that are nodes
  /// or may become nodes: neither refused nor closing.
  std::uint32_t load() const noexcept {
    return driver_.gauges().load.load(std::memory_order_relaxed);
  }
  std::uint32_t sessions() const noexcept {
    return driver_.gauges().sessions.load(std::memory_order_relaxed);
  }
  std::uint32_t nodes() const noexcept {
    return driver_.gauges().nodes.load(std::memory_order_relaxed);
  }
  /// Connections that have not sent a whole request.
  std::uint32_t handshakes() const noexcept {
    return driver_.gauges().handshakes.load(std::memory_order_relaxed);
  }
  /// Memory held for incomplete messages and requests, in bytes.
  std::uint64_t inbound_bytes() const noexcept {
    return driver_.gauges().inbound_bytes.load(std::memory_order_relaxed);
  }
  /// What the largest connection held when memory was last exhausted, in bytes.
  std::size_t largest_holding() const noexcept {
    return largest_holding_.load(std::memory_order_relaxed);
  }
  const telemetry::WorkerCounters& counters() const noexcept { return counters_; }
  const telemetry::SharedCounters& plugin_faults() const noexcept { return plugin_faults_; }

  void start_validity_checks(std::chrono::milliseconds interval) {
    broker_.start_validity_checks(interval, now_);
  }
  void start_status_reports() { broker_.start_status_reports(now_); }
  void start_refused_ids_sync() { broker_.start_refused_ids_sync(now_); }

  // LocalSessions
  broker::Node* find(session::SessionHandle handle) override;
  std::optional<std::uint32_t> visit_joined(
      std::uint32_t slot, std::uint32_t count,
      const std::function<void(const broker::Node&)>& use) override;
  void deadline_changed(broker::Node& node) override {
    driver_.deadline_changed(node);
    // One after the other, for all answers that have arrived together.
    flush_if_much();
  }
  void open_transport(broker::Node& node) override { driver_.open(node); }
  void pause_reading(broker::Node& node) override { driver_.pause_reading(node); }
  void refuse_transport(broker::Node& node, broker::TemporaryFailure failure) override;
  std::optional<broker::TemporaryFailure> capacity_failure(broker::Node& node) override;
  client_address::Address client_of(const broker::Node& node) override;
  std::optional<std::uint64_t> bytes_acked_while_queued(broker::Node& node) override;

  // ConnectionHandler
  void admit(broker::Node& node) override;
  Response render(PageRequest request) override { return host_.render(request); }
  std::optional<RequestFault> limit_client(session::SessionHandle connection,
                                           std::string_view header_lines) override;
  void keep_request(session::SessionHandle handle, broker::Identity& identity,
                    std::string_view header_lines) override;

 private:
  /// A socket that another worker has accepted.
  struct Adopt {
    AcceptedSocket accepted;
  };
  using Command = std::variant<broker::Command, Adopt, Drain, Stop>;
  void put(Command command);
  void execute(broker::Command& command) { broker_.execute(std::move(command)); }
  void execute(Adopt& command);
  void execute(const Drain& command);
  void execute(const Stop& command);

  // The loop.
  void serve(const epoll_event& event);
  void run_plugin_timers();
  void after_plugin_callbacks();
  void execute_commands();
  void flush_if_much();
  void flush_dirty();
  TimePoint due() const;
  int wait_time() const;
  bool may_hold_flush(TimePoint before_wait, std::size_t ready) const;
  bool is_done() const;

  // Accepting.
  void watch_listeners();
  void accept_ready(Acceptor& acceptor);
  void pause_accepting(int error);
  bool make_room();
  void adopt(AcceptedSocket accepted);

  // Memory.
  void watch_memory();
  void relieve(process::MemoryBudget& memory);
  template <class Function>
  void try_run(Function&& function) {
    memory_.try_run(now_, static_cast<Function&&>(function));
  }

  static modules::PendingCalls::Hooks call_hooks(Worker& worker);

  const std::uint16_t index_;
  broker::SharedState& shared_;
  WorkerHost& host_;
  PluginLoop& plugin_loop_;
  Descriptor epoll_;
  EventDescriptor event_;
  TimePoint now_;
  TimePoint flushed_at_{};            // the registry
  TimePoint due_ = TimePoint::max();  // when the loop was to wake up at the latest
  StallGuard stalls_;
  Acceptor acceptor_;
  std::optional<Acceptor> plain_acceptor_;
  AcceptPolicy accept_policy_;
  telemetry::WorkerCounters counters_;
  MemoryGuard memory_;
  telemetry::SharedCounters plugin_faults_;  // incremented by plugins' threads
  modules::PendingCalls calls_;
  modules::Clients clients_;
  broker::Broker broker_;
  ConnectionDriver driver_;
  Mailbox<Command> mailbox_;
  MemoryRelief relief_;
  std::atomic<bool> sleeps_{false};  // a hint for other threads
  std::atomic<std::size_t> largest_holding_{0};
  std::optional<TimePoint> stop_by_;
};

}  // namespace crolang::net
