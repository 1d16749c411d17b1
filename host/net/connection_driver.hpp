#pragma once
/// Drives the connections of one worker: passes them the bytes of their sockets and the time, and
/// then carries out what they ask for. Also counts them.
///
/// A TLS handshake takes as long as thousands of messages. So in one loop iteration those that
/// begin get a share of the time; the others are read from in the next ones, which epoll reports
/// again by then.
///
/// Threads: owning worker only, but for the gauges. The time is the one last passed to set_now.
/// Errors: on std::bad_alloc the connection that needed the memory is closed; only `adopt` throws
/// it.

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "net/accept_policy.hpp"
#include "net/accepted_socket.hpp"
#include "net/connection.hpp"
#include "net/connection_table.hpp"
#include "net/eviction_queue.hpp"
#include "net/listener_policy.hpp"
#include "net/memory_guard.hpp"
#include "net/timer_wheel.hpp"
#include "session/outbox.hpp"
#include "session/session.hpp"

namespace crolang::net {

/// Written by the owning worker, read by any thread.
struct ConnectionGauges {
  std::atomic<std::uint32_t> load{
      0};  ///< of any kind, including sockets on their way to this worker
  std::atomic<std::uint32_t> sessions{0};       ///< those that asked for an upgrade
  std::atomic<std::uint32_t> nodes{0};          ///< those that are nodes or may become nodes
  std::atomic<std::uint32_t> handshakes{0};     ///< those that have not sent a whole request
  std::atomic<std::uint64_t> inbound_bytes{0};  ///< held for incomplete messages
};

class ConnectionDriver {
 public:
  struct Parts {
    session::OutboxTable& outboxes;
    std::uint16_t worker;
    int epoll;
    session::SessionContext& session;
    const ListenerPolicies& listeners;
    ConnectionHandler& handler;
    AcceptPolicy& accept_policy;
    MemoryGuard& memory;
  };
  ConnectionDriver(const Parts& parts, TimePoint now);

  /// Begins a loop iteration.
  void set_now(TimePoint now) {
    for (ConnectionContext& context : contexts_) context.now = now;
    spent_on_handshakes_ = {};
  }

  // ---- inputs

  enum class Adopted : std::uint8_t { yes, no_slot };
  Adopted adopt(AcceptedSocket accepted);
  /// The socket of the connection with this key is ready.
  void on_ready(const epoll_event& event);
  /// Called once everything that had arrived has been read.
  void check_timeouts();
  /// Resumes reading from connections whose pause is over.
  void resume_paused() {
    if (!paused_.empty()) resume_due();
  }
  void end(DrivenConnection& driven, const session::End& why);

  // ---- what the broker decides, as in broker::LocalSessions

  void deadline_changed(broker::Node& node);
  void open(broker::Node& node);
  void refuse(broker::Node& node, std::string_view reason);
  void pause_reading(broker::Node& node);
  /// Updates the gauges after a change of the node's state.
  void count(broker::Node& node) { count(table_.at(node.handle())); }

  // ---- at the end of a loop iteration

  /// Shuts down the sending side of connections whose last byte is written.
  void shut_down_flushed() {
    if (!flushing_.empty()) shut_down_listed();
  }
  /// Destroys the connections that have ended.
  void reclaim() noexcept { table_.reclaim(); }
  TimePoint next_timeout() const { return wheel_.next(); }
  TimePoint next_wake() const { return paused_.empty() ? TimePoint::max() : paused_.front().until; }

  // ---- facts

  /// The connection counts as one of its client's address until it ends.
  void keep_counted(session::SessionHandle handle, CountedConnection counted) {
    DrivenConnection& driven = table_.at(handle);
    driven.counted = counted.detach();
  }

  /// Of the certificate that the client has shown; once. Empty: none.
  std::string take_tls_client_subject(session::SessionHandle handle);

  bool serves_tls() const noexcept { return listeners_.nodes.tls != nullptr; }
  const ConnectionTable& table() const noexcept { return table_; }
  ConnectionGauges& gauges() noexcept { return gauges_; }
  const ConnectionGauges& gauges() const noexcept { return gauges_; }
  EvictionQueue::Kind kind_of(session::SessionHandle handle) const;
  /// Bytes read since it was reset.
  std::size_t bytes_read() const noexcept { return bytes_read_; }
  void reset_bytes_read() noexcept { bytes_read_ = 0; }

 private:
  template <class Input>
  void drive(DrivenConnection& driven, Input&& input);
  void apply(DrivenConnection& driven);
  void update_reading(DrivenConnection& driven);
  void list_evictable(session::SessionHandle handle);
  void count(DrivenConnection& driven);
  void begin_handshake(session::SessionHandle handle);
  void end_handshake(DrivenConnection& driven) {
    driven.in_handshake = false;
    gauges_.handshakes.fetch_sub(1, std::memory_order_relaxed);
  }
  void account(DrivenConnection& driven);
  void read(DrivenConnection& driven);
  void read_within_share(DrivenConnection& driven);
  void note_handshake(TlsTransport& tls);
  void read_proxy_header(DrivenConnection& driven);
  void resume_due();
  void shut_down_listed();
  void remove(DrivenConnection& driven);

  TimePoint now() const noexcept { return contexts_[0].now; }
  ConnectionContext& context_of(const DrivenConnection& driven) noexcept {
    return contexts_[static_cast<std::size_t>(driven.listener)];
  }

  const int epoll_;
  telemetry::WorkerCounters& counters_;
  const ListenerPolicies listeners_;
  std::array<ConnectionContext, 2> contexts_;  // by ListenerIndex
  AcceptPolicy& accept_policy_;
  MemoryGuard& memory_;
  ConnectionTable table_;
  TimerWheel wheel_;
  std::vector<session::SessionHandle> flushing_;
  struct Paused {
    TimePoint until;
    session::SessionHandle handle;
  };
  std::deque<Paused> paused_;  // by time, since all pauses are equally long
  std::vector<char> buffer_;   // of all reads
  std::size_t bytes_read_ = 0;
  std::chrono::nanoseconds spent_on_handshakes_{};  // that began in this iteration
  ConnectionGauges gauges_;
};

}  // namespace crolang::net
