#pragma once
/// The protocols of one connection: stacks the codecs of WebSocket, Engine.IO and Socket.IO and
/// keeps their state. `receive` takes the bytes, SessionEvents gets what they mean, the Outbox gets
/// what is to be sent; time is an argument.
///
/// Threads: the owning worker, from the first byte to the last. Errors: a node that breaks a
/// protocol is closed with the code that the protocol names; nothing is thrown but std::bad_alloc.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engineio/heartbeat.hpp"
#include "engineio/sid.hpp"
#include "session/end.hpp"
#include "session/handle.hpp"
#include "session/outbox.hpp"
#include "socketio/binary.hpp"
#include "socketio/packet.hpp"
#include "socketio/writer.hpp"
#include "telemetry/metrics.hpp"
#include "websocket/frame_parser.hpp"
#include "websocket/protocol.hpp"

namespace crolang::session {

using engineio::TimePoint;

class Session;

/// The events that a session reports to the broker.
class SessionEvents {
 public:
  /// CONNECT to the main namespace while not joined and not being admitted.
  virtual void on_connect(Session& session) = 0;
  /// CONNECT to another namespace, which is refused. The view is valid during the call only.
  virtual void on_foreign_namespace(Session& session, std::string_view name_space) = 0;
  /// DISCONNECT of a joined node; the transport stays open.
  virtual void on_disconnect(Session& session) = 0;
  /// An event of a joined node. The packet is valid during the call only. Hot: per message.
  virtual void on_event(Session& session, const socketio::Packet& packet) = 0;
  /// Bytes arrived after start_activity_reports.
  virtual void on_activity(Session& session) = 0;
  /// Exactly once, when the session starts to close or its connection is gone.
  virtual void on_end(Session& session, const End& end) = 0;

 protected:
  ~SessionEvents() = default;
};

/// The most that a connection may send between its 101 and its joining; a well-behaved client sends
/// a few bytes.
inline constexpr std::size_t kMaxEarlyBytes = 4096;

struct Limits {
  engineio::Timing timing;
  std::size_t max_payload_bytes;
  std::size_t max_outbox_bytes;
  std::chrono::milliseconds handshake_timeout;
};

/// What all sessions of a worker share.
struct SessionContext {
  const Limits& limits;
  SessionEvents& events;
  telemetry::WorkerCounters& counters;
  DirtyList dirty;
  socketio::PacketParser parser;
  engineio::SidGenerator sids;
  std::string scratch;
};

enum class State : std::uint8_t {
  admitting,    ///< before the 101
  waiting,      ///< the transport is open; a CONNECT is expected within the handshake timeout
  readmitting,  ///< an admission runs on the open transport
  joining,      ///< admitted; the other brokers are notified before the node is
  joined,
  closing,
};

/// How a closing session's connection is to end.
enum class Ending : std::uint8_t {
  none,
  await_close,  ///< our close frame is out: wait for the client's
  finish,       ///< the closing handshake is done or impossible: close once everything is written
};

class Session {
 public:
  Session(SessionHandle handle, Outbox& outbox) : outbox_(outbox), handle_(handle) {}

  /// The 101 is written: the open packet follows, and the heartbeat starts.
  void open(SessionContext& context, TimePoint now);

  struct ReceiveResult {
    /// The rest is the beginning of a frame: pass it again, followed by more bytes.
    std::size_t consumed = 0;
    /// How many bytes, including the rest, the next call needs.
    std::size_t needed = 0;
    /// How many of the following bytes are to be dropped.
    std::size_t skip = 0;
  };
  /// Does not keep an incomplete message once the session is closing.
  ReceiveResult receive(SessionContext& context, std::span<char> bytes, TimePoint now);
  /// Bytes have arrived, whether or not they complete a frame. Call it before `receive`.
  void on_received(SessionContext& context, std::size_t bytes) {
    bytes_received_ += bytes;
    if (reports_activity_) context.events.on_activity(*this);
    if (state_ < State::joined && early_bytes_ <= kMaxEarlyBytes) {
      early_bytes_ = static_cast<std::uint16_t>(early_bytes_ + std::min(bytes, kMaxEarlyBytes + 1));
    }
  }
  void tick(SessionContext& context, TimePoint now);
  TimePoint deadline() const;

  // ---- what the broker decides
  /// An admission begins on the open transport.
  void begin_readmission() { state_ = State::readmitting; }
  /// The node is admitted; `join` follows.
  void begin_joining() { state_ = State::joining; }
  /// `40{sid}` and the first event, whose argument is a JSON literal.
  void join(SessionContext& context, std::string_view event, std::string_view literal,
            TimePoint now);
  /// CONNECT_ERROR. The transport stays for another CONNECT, within the handshake timeout.
  void refuse(SessionContext& context, std::string_view message, TimePoint now);
  /// Back to an open transport that has to CONNECT again.
  void leave(SessionContext& context, TimePoint now);
  /// Nothing is sent if the node has not asked for an acknowledgement. `arguments`: a JSON array.
  void ack(SessionContext& context, const socketio::AckId& id, std::string_view arguments);
  /// The same with one argument, a string.
  void ack_text(SessionContext& context, const socketio::AckId& id, std::string_view text);
  void ping(SessionContext& context) { send_text(context, "2"); }
  /// From now on, arriving bytes are reported to SessionEvents::on_activity.
  void start_activity_reports() { reports_activity_ = true; }
  void stop_activity_reports() { reports_activity_ = false; }

  /// The node has done nothing wrong and should connect again: TCP ends after the last byte,
  /// without a close frame. Every client connects again after that, while some take a close frame
  /// as final, and one does not notice it before its ping timeout (docs/wire.md).
  void disconnect_for_reconnect(SessionContext& context, const End& why);
  /// The node should not connect again: DISCONNECT, which most nodes take as final, then a close
  /// frame.
  void disconnect_permanently(SessionContext& context, const End& why);
  /// The node broke a protocol, or did not CONNECT in time: a close frame says so.
  void close(SessionContext& context, websocket::CloseCode code, const End& why);
  /// The connection is gone.
  void drop(SessionContext& context, const End& why);

  // ---- facts
  State state() const noexcept { return state_; }
  Ending ending() const noexcept { return ending_; }
  SessionHandle handle() const noexcept { return handle_; }
  Outbox& outbox() const noexcept { return outbox_; }
  /// When it joined. Precondition: it has joined, and has not left since.
  TimePoint joined_at() const noexcept { return phase_time_; }
  /// Of the last heartbeat that was measured; nullopt: there was none yet.
  std::optional<std::chrono::microseconds> last_round_trip() const noexcept {
    return heartbeat_.last_round_trip();
  }
  /// Since the 101, in bytes of its WebSocket.
  std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  /// Memory held for a message that is not complete, in bytes.
  std::size_t held_bytes() const noexcept;

 private:
  ReceiveResult take_frames(SessionContext& context, std::span<char> bytes, TimePoint now);
  void on_text(SessionContext& context, std::string_view text, TimePoint now);
  void on_packet(SessionContext& context, std::string_view text);
  void on_connected_packet(SessionContext& context, std::string_view text,
                           const socketio::Packet& packet);
  void on_binary(SessionContext& context, std::size_t size);
  /// The frames are invalid or too large: nothing more is read.
  void stop_receiving(SessionContext& context, websocket::CloseCode code, const End& why);
  void on_violation(SessionContext& context, const websocket::Event& event, std::size_t most);
  void close_for_violation(SessionContext& context, EndReason layer, std::string_view how);
  void send_text(SessionContext& context, std::string_view text);
  void send_frame(SessionContext& context, websocket::Opcode opcode, std::span<const char> payload);
  void send_raw(SessionContext& context, std::string_view bytes);
  void begin_closing(SessionContext& context, Ending ending, const End& why);
  std::uint64_t bytes_sent() const;
  bool is_behind() const;

  Outbox& outbox_;
  SessionHandle handle_;
  websocket::FrameParser frames_;
  std::unique_ptr<socketio::BinaryAssembly> assembly_;
  engineio::Heartbeat heartbeat_{TimePoint{}, engineio::Timing{}};
  TimePoint phase_time_;  // while waiting: a CONNECT is due by then; later: it joined then
  std::uint64_t sent_at_ping_ = 0;
  std::uint64_t bytes_received_ = 0;
  State state_ = State::admitting;
  Ending ending_ = Ending::none;
  std::uint16_t early_bytes_ = 0;  // since the 101 or since it left
  bool receiving_ = false;         // views of what has arrived are in use
  bool reports_activity_ = false;
};

}  // namespace crolang::session
