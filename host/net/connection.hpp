#pragma once
/// One connection from its first byte to its last, without its socket: its inputs are bytes and
/// times, its output goes into its Outbox. After each input the driver asks it whether to read on,
/// when its timeout is due, and whether to close the TCP connection.
///
///   proxy_header → request → admitting → open → flushing → lingering → closed
///
/// Only a connection from a proxy that sends PROXY headers begins with one. A request that is not
/// an upgrade is answered and stays in `request`, or goes to `flushing`; any phase may be followed
/// by `closed`.
///
/// Threads: owning worker only. Time is an argument. Errors: std::bad_alloc, after which the driver
/// ends the connection.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/node.hpp"
#include "client_address/address.hpp"
#include "client_address/policy.hpp"
#include "net/accepted_socket.hpp"
#include "net/http/decision.hpp"
#include "net/timer_wheel.hpp"
#include "net/tls_failure.hpp"
#include "session/session.hpp"

namespace crolang::net {

/// What a connection needs from the worker. Thread: owning worker.
class ConnectionHandler {
 public:
  /// Starts the admission of a node. The result is reported by Connection::open or ::refuse,
  /// possibly before this returns.
  virtual void admit(broker::Node& node) = 0;
  virtual Response render(PageRequest request) = 0;
  /// Called once a PROXY header has named the client, without lines, and before `admit`, with those
  /// of the request: why the address of Connection::client may not have one more connection now;
  /// nullopt: it may.
  virtual std::optional<RequestFault> limit_client(session::SessionHandle connection,
                                                   std::string_view header_lines) = 0;
  /// Called before `admit`: adds to the identity the parts of the request that an authentication
  /// module may read.
  virtual void keep_request(session::SessionHandle connection, broker::Identity& identity,
                            std::string_view header_lines) = 0;

 protected:
  ~ConnectionHandler() = default;
};

/// What all connections of a worker share.
struct ConnectionContext {
  session::SessionContext& session;
  const HttpPolicy& http;                 ///< of the listener that accepted them
  const client_address::Policy& clients;  ///< likewise
  ConnectionHandler& handler;
  TimePoint now;
};

/// How many bytes may be queued for a connection that is not a node before reading from it stops. A
/// single answer may be larger.
inline constexpr std::size_t kMaxQueuedResponseBytes = 4 * 1024;

class Connection {
 public:
  enum class Phase : std::uint8_t {
    proxy_header,  ///< the header of the PROXY protocol is not complete
    request,       ///< the header is not complete
    admitting,     ///< the header is complete; the node waits for its 101
    open,          ///< a session handles the bytes
    flushing,      ///< once everything is written, the sending side is shut down
    lingering,     ///< the sending side is shut down (SHUT_WR); what still arrives is discarded
    closed,        ///< the socket is to be closed
  };

  struct Origin {
    client_address::Address peer;
    AcceptedSocket::BeginsWith begins_with;
  };
  /// `request_by`: when the first request must be complete.
  Connection(session::SessionHandle handle, session::Outbox& outbox, const Origin& origin,
             TimePoint request_by)
      : outbox_(outbox),
        handle_(handle),
        phase_deadline_(request_by),
        client_(origin.peer),
        phase_(origin.begins_with == AcceptedSocket::BeginsWith::proxy_header ? Phase::proxy_header
                                                                              : Phase::request) {}

  // ---- bytes

  /// In `proxy_header`, instead of begin_read and end_read: the bytes that are waiting in the
  /// socket, at least one. Returns how many of them are to be removed from it; the others belong to
  /// what follows the header, which may need a transport of its own.
  std::size_t take_proxy_header(ConnectionContext& context, std::string_view waiting);

  /// The memory that the next bytes are to be read into.
  struct ReadBuffer {
    std::span<char> room;
    std::size_t held;  ///< bytes before `room` that belong to the same input
    enum class In : std::uint8_t { shared, own } in;
  };
  /// `shared`: the worker's one buffer, which is used unless much is held already. `least`: how
  /// many bytes there must be room for.
  ReadBuffer begin_read(std::span<char> shared, std::size_t least) {
    if (input_buffer_.empty()) return {shared, 0, ReadBuffer::In::shared};
    return begin_read_behind(shared, least);
  }
  /// Whether the read may have left bytes in the socket.
  enum class Unread : std::uint8_t { none, some };
  /// `count` bytes, perhaps none, were read into `buffer`. Hot: per read.
  void end_read(ConnectionContext& context, const ReadBuffer& buffer, std::size_t count,
                Unread unread);

  /// TLS has ended other than by close_notify.
  void on_tls_failure(ConnectionContext& context, const TlsFailure& failure);

  // ---- time

  TimePoint deadline() const;
  void on_deadline(ConnectionContext& context);

  // ---- decisions of the worker and the broker

  /// The node is admitted: writes the 101, then handles the bytes that arrived early.
  void open(ConnectionContext& context);
  /// The node is asked to retry (503), for this reason.
  void refuse(ConnectionContext& context, std::string_view reason);
  /// The session's deadline may have changed, or it is closing.
  void on_session_changed(ConnectionContext& context);
  /// Stops reading from a node that exceeds its presence query limit, until resume_reading.
  void pause_reading() noexcept { paused_ = true; }
  void resume_reading() noexcept { paused_ = false; }
  /// Called in `flushing` once the last byte is written and the sending side is shut down.
  void linger(TimePoint now);
  /// The socket is to be closed. Does nothing if it is over already.
  void end(ConnectionContext& context, const session::End& why);

  // ---- facts

  Phase phase() const noexcept { return phase_; }
  bool is_closed() const noexcept { return phase_ == Phase::closed; }
  /// Whether to read from it: while it is being admitted, only its end matters.
  bool wants_to_read() const noexcept { return !paused_ && phase_ != Phase::admitting; }
  bool is_reading_paused() const noexcept { return paused_; }
  /// It is a node or may become one: it has neither been refused nor begun to close.
  bool may_be_node() const;
  /// It has not sent a whole request yet.
  bool is_in_handshake() const noexcept {
    return phase_ == Phase::proxy_header || (phase_ == Phase::request && !answered_);
  }
  /// A node that others can reach.
  bool is_joined() const;
  /// It belongs to a node or is being admitted, and is not closing.
  bool is_to_be_drained() const;
  /// Memory held for incomplete requests and messages, in bytes.
  std::size_t held_bytes() const noexcept;
  /// The client, as far as it is known: the peer of the socket, until a trusted proxy has stated
  /// the client's address. A node's does not change any more.
  const client_address::Address& client() const noexcept { return client_; }
  session::SessionHandle handle() const noexcept { return handle_; }
  session::Outbox& outbox() const noexcept { return outbox_; }
  broker::Node* node() noexcept { return node_ ? &*node_ : nullptr; }

 private:
  // An incomplete frame below this size is copied in front of the next bytes in the shared buffer;
  // the rest of a larger one is read directly behind its beginning.
  static constexpr std::size_t kCopyHeld = 16 * 1024;
  // At most this much of a string is stored inline.
  static constexpr std::size_t kMaxInlineString = 64;

  ReadBuffer begin_read_behind(std::span<char> shared, std::size_t least);
  void process_input(ConnectionContext& context, std::span<char> bytes);
  void buffer_unparsed(std::string_view rest);
  void free_input_buffer();
  void free_input();
  void on_request(ConnectionContext& context, std::span<char> bytes);
  void on_header(ConnectionContext& context, std::string_view header, std::string_view rest);
  void upgrade(ConnectionContext& context, UpgradeRequest request, std::string_view rest);
  void refuse_client(ConnectionContext& context, RequestFault fault, std::string_view node);
  void refuse_request(ConnectionContext& context, unsigned status, const RequestRefusal& refusal);
  void respond(ConnectionContext& context, const Response& response);
  void close_without_response(ConnectionContext& context, const NoResponse& no_response,
                              const client_address::Address& client);
  void on_frames(ConnectionContext& context, std::span<char> bytes);
  void start_flushing(TimePoint now);
  void write(ConnectionContext& context, std::string_view bytes);

  // Packed, since most connections are idle nodes.
  session::Outbox& outbox_;
  session::SessionHandle handle_;
  // Parsing again makes sense once input_buffer_ holds this many bytes. While skipping_: how many
  // of the next bytes are dropped.
  std::uint32_t needed_ = 0;
  std::string input_buffer_;  // the beginning of a request or of a frame
  // When the phase times out. Not used in `admitting`; in `open` it is set only while the session
  // is closing.
  TimePoint phase_deadline_;
  client_address::Address client_;
  std::unique_ptr<std::string> response_;  // the 101, while admitting
  std::optional<broker::Node> node_;
  Phase phase_;
  bool answered_ : 1 = false;  // a request was answered, so it may be idle
  bool unread_ : 1 = false;    // the last read did not empty the socket
  bool paused_ : 1 = false;
  bool skipping_ : 1 = false;  // see needed_
};

// Hot: per read.

inline TimePoint Connection::deadline() const {
  switch (phase_) {
    case Phase::admitting:
      return TimePoint::max();  // the admission's questions have deadlines of their own
    case Phase::open:
      return std::min(phase_deadline_, node_->deadline());
    case Phase::proxy_header:
    case Phase::request:
    case Phase::flushing:
    case Phase::lingering:
    case Phase::closed:
      break;
  }
  return phase_deadline_;
}

inline bool Connection::may_be_node() const {
  if (phase_ == Phase::admitting) return true;
  if (phase_ != Phase::open) return false;
  const session::State state = node_->state();
  // A node that waits without a lease was refused, or has left.
  const bool refused = state == session::State::waiting && node_->token() == 0;
  return state != session::State::closing && !refused;
}

inline bool Connection::is_joined() const {
  return phase_ == Phase::open && node_->state() == session::State::joined;
}

inline bool Connection::is_to_be_drained() const {
  if (phase_ == Phase::admitting) return true;
  return phase_ == Phase::open && node_->state() != session::State::closing;
}

inline std::size_t Connection::held_bytes() const noexcept {
  if (is_closed()) return 0;
  // Inline storage of the string is part of the connection.
  std::size_t bytes = input_buffer_.capacity() > kMaxInlineString ? input_buffer_.capacity() : 0;
  if (node_) bytes += node_->held_bytes();
  return bytes;
}

}  // namespace crolang::net
