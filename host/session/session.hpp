#pragma once
/// One connected node: stacks the codecs of WebSocket, Engine.IO and Socket.IO on each other and
/// keeps their state, its identity and its lease. Bytes come in through `receive`, what they mean
/// goes to SessionEvents, what is to be sent goes into its Outlet; time is an argument.
///
/// Threads: the owning worker, from the first byte to the last. Errors: a node that breaks a
/// protocol is closed with the code that the protocol names; nothing is thrown but std::bad_alloc.

#include <algorithm>
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
#include "session/identity.hpp"
#include "session/outlet.hpp"
#include "socketio/binary.hpp"
#include "socketio/packet.hpp"
#include "socketio/writer.hpp"
#include "telemetry/metrics.hpp"
#include "websocket/frame_parser.hpp"
#include "websocket/protocol.hpp"

namespace crolang::session {

using engineio::TimePoint;

class Session;

/// What a session tells the broker.
class SessionEvents {
 public:
  /// CONNECT to the main namespace while not joined and not being admitted.
  virtual void on_connect(Session& session) = 0;
  /// CONNECT to another namespace, which is refused. The view dies with the call.
  virtual void on_foreign_namespace(Session& session, std::string_view name_space) = 0;
  /// DISCONNECT of a joined node; the transport stays.
  virtual void on_disconnect(Session& session) = 0;
  /// An event of a joined node. The packet dies with the call. Hot: per message.
  virtual void on_event(Session& session, const socketio::Packet& packet) = 0;
  /// Bytes arrived while `watch` was on.
  virtual void on_sign_of_life(Session& session) = 0;
  /// Exactly once: it is closing or its connection is gone. Its id is free from now on.
  virtual void on_end(Session& session, const End& end) = 0;

 protected:
  ~SessionEvents() = default;
};

/// What a connection may send between its 101 and the moment it has joined: packets of a few bytes.
inline constexpr std::size_t kMaxEarlyBytes = 4096;

struct Limits {
  engineio::Timing timing;
  std::size_t max_payload_bytes;
  std::size_t max_outbox_bytes;
  std::chrono::milliseconds handshake_timeout;
};

/// What all sessions of a worker share.
struct Workbench {
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
  waiting,      ///< the transport is open; a CONNECT is expected within the handshake time-out
  readmitting,  ///< an admission runs on the open transport
  joining,      ///< admitted; the grid is told before the node is
  joined,
  closing,
};

/// How a closing session's connection is to end.
enum class Ending : std::uint8_t {
  none,
  await_close,  ///< our close frame is out: wait for the client's
  finish,       ///< the closing handshake is done, or void: end TCP once everything is written
};

class Session {
 public:
  Session(SessionHandle handle, Outlet& outlet, Identity identity)
      : outlet_(outlet), handle_(handle), identity_(std::move(identity)) {}

  /// The 101 is written: the open packet follows, and the heartbeat starts.
  void open(Workbench& bench, TimePoint now);

  struct Intake {
    std::size_t consumed =
        0;  ///< the rest is the beginning of a frame: pass it again with more behind it
    std::size_t needed = 0;  ///< how many bytes, the rest included, are worth another call
    std::size_t skip = 0;    ///< how many of the bytes that follow mean nothing: not to be kept
  };
  /// Once it is closing, a message that is not complete is not kept.
  Intake receive(Workbench& bench, std::span<char> bytes, TimePoint now);
  /// Bytes have arrived, whether or not they complete a frame; `receive` gets them next.
  void heard(Workbench& bench, std::size_t bytes) {
    if (watched_) bench.events.on_sign_of_life(*this);
    if (state_ < State::joined && early_bytes_ <= kMaxEarlyBytes) {
      early_bytes_ = static_cast<std::uint16_t>(early_bytes_ + std::min(bytes, kMaxEarlyBytes + 1));
    }
  }
  void tick(Workbench& bench, TimePoint now);
  TimePoint deadline() const;

  // ---- decisions of the broker
  /// An admission begins on the open transport.
  void begin_readmission() { state_ = State::readmitting; }
  /// It is admitted, and `join` follows.
  void begin_joining() { state_ = State::joining; }
  /// `40{sid}` and the event AUTHENTICATED with this string literal.
  void join(Workbench& bench, std::string_view rtc_literal);
  /// CONNECT_ERROR. The transport stays for another CONNECT, within the handshake time-out.
  void refuse(Workbench& bench, std::string_view message, TimePoint now);
  /// Back to an open transport that has to CONNECT again.
  void leave(Workbench& bench, TimePoint now);
  void ack(Workbench& bench, const socketio::AckId& id, socketio::AckStatus status);
  void ack_text(Workbench& bench, const socketio::AckId& id, std::string_view text);
  void ping(Workbench& bench) { send_text(bench, "2"); }
  /// From now on every byte that arrives is told to SessionEvents.
  void watch(bool on) { watched_ = on; }

  /// The node has done nothing wrong and shall come back: TCP ends after the last byte, without a
  /// close frame. Every client connects again after that, while some take a close frame for the
  /// end, and one does not notice it before its ping time-out (docs/wire.md).
  void send_back(Workbench& bench, const End& why);
  /// It shall stay away: DISCONNECT, which most nodes take as final, then a close frame.
  void expel(Workbench& bench, const End& why);
  /// It broke a protocol, or did not CONNECT in time: a close frame says so.
  void close(Workbench& bench, websocket::CloseCode code, const End& why);
  /// The connection is gone.
  void drop(Workbench& bench, const End& why);

  // ---- facts
  State state() const noexcept { return state_; }
  Ending ending() const noexcept { return ending_; }
  SessionHandle handle() const noexcept { return handle_; }
  Outlet& outlet() const noexcept { return outlet_; }
  const Identity& identity() const noexcept { return identity_; }
  std::string_view id() const { return identity_.id(); }

  // ---- the lease, kept here for the broker
  std::uint64_t token() const noexcept { return token_; }
  void set_token(std::uint64_t token) noexcept { token_ = token; }
  /// What the admission before the 101 decided, until the CONNECT that it is for.
  struct Verdict {
    std::shared_ptr<const std::string> rtc;  ///< set: admitted
    std::optional<std::uint8_t> refusal;     ///< set: refused
    bool empty() const noexcept { return !rtc && !refusal; }
  };
  Verdict take_verdict() { return std::exchange(verdict_, Verdict{}); }
  void set_verdict(Verdict verdict) { verdict_ = std::move(verdict); }
  std::uint8_t count_admission() noexcept { return ++admissions_; }
  /// Messages or questions of this node wait for an answer: the broker looks them up only then.
  bool has_waiting() const noexcept { return has_waiting_; }
  /// Memory held for a message that is not complete, in bytes.
  std::size_t held_bytes() const noexcept;
  void set_waiting(bool waiting) noexcept { has_waiting_ = waiting; }

 private:
  Intake take_frames(Workbench& bench, std::span<char> bytes, TimePoint now);
  void on_text(Workbench& bench, std::string_view text, TimePoint now);
  void on_packet(Workbench& bench, std::string_view text);
  void on_connected_packet(Workbench& bench, std::string_view text, const socketio::Packet& packet);
  void on_binary(Workbench& bench, std::size_t size);
  /// The frames make no sense, or are too large: nothing more is read.
  void break_off(Workbench& bench, websocket::CloseCode code, const End& why);
  void on_violation(Workbench& bench, const websocket::Event& event, std::size_t most);
  void violate(Workbench& bench, EndReason layer, std::string_view how);
  void send_text(Workbench& bench, std::string_view text);
  void send_frame(Workbench& bench, websocket::Opcode opcode, std::span<const char> payload);
  void send_raw(Workbench& bench, std::string_view bytes);
  void begin_closing(Workbench& bench, Ending ending, const End& why);
  std::uint64_t moved() const;
  bool is_behind() const;

  Outlet& outlet_;
  SessionHandle handle_;
  Identity identity_;
  websocket::FrameParser frames_;
  std::unique_ptr<socketio::BinaryAssembly> assembly_;
  engineio::Heartbeat heartbeat_{TimePoint{}, engineio::Timing{}};
  TimePoint connect_by_;  // while waiting
  Verdict verdict_;
  std::uint64_t token_ = 0;
  std::uint64_t moved_at_ping_ = 0;
  State state_ = State::admitting;
  Ending ending_ = Ending::none;
  std::uint16_t early_bytes_ = 0;  // since the 101 or since it left
  std::uint8_t admissions_ = 0;
  bool receiving_ = false;  // views of what has arrived are in use
  bool watched_ = false;
  bool has_waiting_ = false;
};

}  // namespace crolang::session
