#pragma once
/// One connection of the admin listener: its state, its bytes and its time limits. It makes the
/// system calls on its socket; the loop decides when.
/// Threads: the loop's. Errors: std::bad_alloc, after which it has to be closed. Time is an
/// argument.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "admin/event_queue.hpp"
#include "admin/guard.hpp"
#include "admin/http/message.hpp"
#include "admin/http/request_reader.hpp"
#include "client_address/address.hpp"
#include "net/descriptor.hpp"

namespace crolang::admin::http {

/// Time limits of a connection.
struct ConnectionTimes {
  std::chrono::milliseconds request{10'000};  ///< from its first byte, or the accept, to its last
  std::chrono::milliseconds idle{30'000};     ///< without a byte of the next request
  std::chrono::milliseconds response{30'000};
  std::chrono::milliseconds whole{300'000};          ///< after which there is no further request
  std::chrono::milliseconds linger{1'000};           ///< what still arrives after the last response
  std::chrono::milliseconds stalled_stream{60'000};  ///< takes nothing although there is something
  std::chrono::milliseconds comment{15'000};         ///< between two signs of life in a stream
};

class HttpConnection {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class State : std::uint8_t {
    reading,
    handling,  ///< waits for the outcome
    writing,
    streaming,
    lingering,  ///< all is sent; what the client still sends is thrown away
    closed,
  };

  HttpConnection(net::Descriptor socket, const client_address::Address& peer,
                 const ConnectionTimes& times, TimePoint now);

  State state() const noexcept { return state_; }
  int descriptor() const noexcept { return socket_.get(); }
  const client_address::Address& peer() const noexcept { return peer_; }
  TimePoint since() const noexcept { return since_; }
  /// When to call check_time at the latest.
  TimePoint deadline() const noexcept { return deadline_; }
  /// Whether it waits for its socket to become readable, or writable.
  bool wants_to_read() const noexcept;
  bool wants_to_write() const noexcept { return sent_ < out_.size(); }

  /// The socket is readable. A request or a fault: it is `handling` from now on, until `respond`.
  std::variant<Incomplete, Request, RequestFault> on_readable(TimePoint now);
  /// The next request of bytes that have already been read. As above.
  std::variant<Incomplete, Request, RequestFault> next_request(TimePoint now);
  /// The socket is writable.
  void on_writable(TimePoint now);

  enum class Next : std::uint8_t { as_requested, close };
  void respond(const Response& response, Next next, TimePoint now);
  void begin_stream(const Response& response, const Admitted& admitted, TimePoint now);
  /// It is a stream, or was one before it was closed.
  bool is_stream() const noexcept { return is_stream_; }
  EventQueue& events() noexcept { return events_; }
  const Admitted& admitted() const noexcept { return admitted_; }
  /// There are events to send.
  void send_events(TimePoint now);
  /// Closes it, or sends a comment, if it is time.
  void check_time(TimePoint now);
  void close() noexcept;

 private:
  void enter(State state, TimePoint now, std::chrono::milliseconds limit);
  void after_response(TimePoint now);
  void fill(TimePoint now);
  std::variant<Incomplete, Request, RequestFault> read_request(TimePoint now);
  void discard();

  net::Descriptor socket_;
  const client_address::Address peer_;
  const ConnectionTimes& times_;
  const TimePoint accepted_;
  bool is_first_ = true;  // the request that is being read
  State state_ = State::reading;
  TimePoint since_;  // of the state
  TimePoint deadline_;
  std::string in_;
  std::optional<RequestReader> reader_;  // nullopt: no byte of a request has arrived
  std::string out_;
  std::size_t sent_ = 0;
  Part part_ = Part::whole;
  Connection after_ = Connection::close;
  std::size_t discarded_ = 0;
  // Of a stream.
  bool is_stream_ = false;
  EventQueue events_;
  Admitted admitted_{};
  TimePoint comment_due_{};
  TimePoint progress_{};
};

}  // namespace crolang::admin::http
