#pragma once
/// The admin listener: one thread with an epoll of its own that reads requests, writes responses
/// and feeds the event streams, and a few threads for what may block. A stream occupies none of
/// them, and neither does a client that is slow or silent.
///
/// Everything is bounded: connections, streams, bytes and time of a request, the time of a
/// connection, tasks that wait. If there is no room for one more connection, the one that has been
/// reading for longest is closed, if that is longer than a moment; until then nobody is accepted.
///
/// Threads: start and stop on the control thread. Errors: std::system_error from the constructor
/// and start.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "admin/http/connection.hpp"
#include "admin/http/handler_threads.hpp"
#include "admin/http/site.hpp"
#include "net/descriptor.hpp"
#include "net/event_descriptor.hpp"
#include "telemetry/event_hub.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::admin::http {

struct ListenerOptions {
  std::size_t max_connections = 64;  ///< without streams
  std::size_t max_streams = 32;
  ConnectionTimes times{};
  /// How long a connection may be silent or slow while others wait for room.
  std::chrono::milliseconds grace{200};
  /// How long stop waits for responses that are being made or sent.
  std::chrono::milliseconds last_responses{500};
};

class Listener {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `listening`: a socket that does not block. The references must outlive this object.
  Listener(net::Descriptor listening, const ListenerOptions& options, Site& site,
           telemetry::EventHub& events, telemetry::SharedCounters& counters);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();
  /// Ends all connections; takes little more than ListenerOptions::last_responses, whatever clients
  /// do, or until the handlers that run have returned.
  void stop();

 private:
  using Connections = std::map<std::uint64_t, std::unique_ptr<HttpConnection>>;

  void run();
  int wait_time(TimePoint now) const;
  void serve(std::uint64_t key, std::uint32_t events, TimePoint now);
  void accept_ready(TimePoint now);
  /// false: none of the connections has had its time yet.
  bool make_room(TimePoint now);
  /// The one that has been in this state for longest; end(): none is.
  Connections::iterator oldest_in(HttpConnection::State state);
  void adopt(net::Descriptor socket, const client_address::Address& peer, TimePoint now);
  void on_readable(std::uint64_t id, HttpConnection& connection, TimePoint now);
  /// Handles what was read, and the requests behind it.
  void go_on(std::uint64_t id, HttpConnection& connection,
             std::variant<Incomplete, Request, RequestFault> read, TimePoint now);
  void finish(HttpConnection& connection, const Outcome& outcome, TimePoint now);
  void take_outcomes(TimePoint now);
  void take_events(TimePoint now);
  void check_times(TimePoint now);
  /// Removes it if it is closed, else tells epoll what it waits for.
  void settle(Connections::iterator entry);
  bool has_room() const { return connections_.size() - streams_ < options_.max_connections; }
  enum class Pause { for_a_second, until_there_is_room };
  void pause_accepting(TimePoint now, Pause pause);
  void resume_accepting(TimePoint now);
  bool is_done(TimePoint now) const;
  /// Runs a function for a connection, which is closed if there is no memory.
  template <class Function>
  void try_for(HttpConnection& connection, Function&& function);

  net::Descriptor listening_;
  const ListenerOptions options_;
  Site& site_;
  telemetry::EventHub& events_;
  telemetry::SharedCounters& counters_;
  net::Descriptor epoll_;
  net::EventDescriptor wake_;
  HandlerThreads handlers_;
  Connections connections_;
  std::map<std::uint64_t, std::uint32_t> interests_;  // what epoll knows of each connection
  std::uint64_t last_id_ = 0;
  std::size_t streams_ = 0;
  std::optional<TimePoint> accept_again_at_;  // nullopt: the listening socket is watched
  bool waits_for_room_ = false;
  std::atomic<bool> stopping_{false};
  std::optional<TimePoint> end_by_;
  TimePoint streams_checked_{};
  std::thread thread_;
};

}  // namespace crolang::admin::http
