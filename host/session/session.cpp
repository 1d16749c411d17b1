#include "session/session.hpp"

#include <cstring>
#include <utility>

#include "engineio/open_packet.hpp"
#include "engineio/packet.hpp"
#include "websocket/frame_writer.hpp"

namespace crolang::session {

using websocket::CloseCode;
using websocket::Opcode;

namespace {

// RFC 6455 5.2 and 5.5: header, mask and the longest payload.
constexpr std::size_t kMaxControlFrame = 2 + 4 + websocket::kMaxControlPayload;

void count(SessionContext& context, const End& end) {
  if (const auto counter = counter_of(end.reason)) context.counters.add(*counter);
}

std::uint64_t ms(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

}  // namespace

void Session::open(SessionContext& context, TimePoint now) {
  heartbeat_ = engineio::Heartbeat(now, context.limits.timing);
  connect_by_ = now + context.limits.handshake_timeout;
  state_ = State::waiting;
  const engineio::Sid sid = context.sids.next();
  context.scratch.clear();
  engineio::append_open_packet(context.scratch, {sid.data(), sid.size()}, context.limits.timing,
                               context.limits.max_payload_bytes);
  send_text(context, context.scratch);
}

Session::ReceiveResult Session::receive(SessionContext& context, std::span<char> bytes,
                                        TimePoint now) {
  receiving_ = true;
  const ReceiveResult result = take_frames(context, bytes, now);
  receiving_ = false;
  if (state_ == State::closing) frames_.forget();
  return result;
}

Session::ReceiveResult Session::take_frames(SessionContext& context, std::span<char> bytes,
                                            TimePoint now) {
  ReceiveResult result;
  if (state_ < State::joined && early_bytes_ > kMaxEarlyBytes) {
    stop_receiving(context, CloseCode::too_big, {EndReason::early_bytes, 0, kMaxEarlyBytes});
  }
  while (ending_ != Ending::finish) {
    const std::size_t most = state_ < State::joined
                                 ? std::min(kMaxEarlyBytes, context.limits.max_payload_bytes)
                                 : context.limits.max_payload_bytes;
    const websocket::Event event = frames_.next(bytes.subspan(result.consumed), most);
    result.consumed += event.consumed;
    const std::string_view text(event.payload.data(), event.payload.size());
    switch (event.kind) {
      case websocket::Event::Kind::incomplete: {
        const std::size_t rest = bytes.size() - result.consumed;
        if (state_ == State::closing && event.needed > kMaxControlFrame) {
          result.consumed = bytes.size();
          result.skip = event.needed - rest;
        } else {
          result.needed = event.needed;
        }
        return result;
      }
      case websocket::Event::Kind::fragment:
      case websocket::Event::Kind::pong:
        break;
      case websocket::Event::Kind::text:
        if (state_ != State::closing) on_text(context, text, now);
        break;
      case websocket::Event::Kind::binary:
        if (state_ != State::closing) on_binary(context, text.size());
        break;
      case websocket::Event::Kind::ping:
        if (state_ != State::closing) send_frame(context, Opcode::pong, event.payload);
        break;
      case websocket::Event::Kind::close:
        // RFC 6455 5.5.1: a close frame is answered by one, unless ours went first.
        outbox_.leave();
        if (state_ != State::closing) send_frame(context, Opcode::close, event.payload);
        drop(context, {EndReason::close_frame, static_cast<std::uint64_t>(event.code)});
        break;
      case websocket::Event::Kind::violation:
        on_violation(context, event, most);
        break;
    }
  }
  // Bytes after the end of the WebSocket are ignored.
  result.consumed = bytes.size();
  result.needed = 0;
  return result;
}

void Session::on_text(SessionContext& context, std::string_view text, TimePoint now) {
  const auto packet = engineio::parse(text);
  if (!packet) {
    close_for_violation(context, EndReason::engineio_violation,
                        text.empty()          ? "empty packet"
                        : text.front() == '2' ? "ping"
                                              : "unknown packet: is it a client of Socket.IO?");
    return;
  }
  switch (packet->type) {
    case engineio::PacketType::message:
      on_packet(context, packet->data);
      break;
    case engineio::PacketType::pong:
      if (const auto round_trip = heartbeat_.on_pong(now, context.limits.timing)) {
        context.counters.observe(telemetry::Latency::heartbeat_round_trip, *round_trip);
      }
      break;
    case engineio::PacketType::binary:
      on_binary(context, engineio::decoded_size(packet->data));
      break;
    case engineio::PacketType::ignored:
      break;
  }
}

void Session::on_packet(SessionContext& context, std::string_view text) {
  // Only the announced attachments may follow.
  if (assembly_) {
    close_for_violation(context, EndReason::socketio_violation, "text where an attachment is due");
    return;
  }
  const auto parsed = context.parser.parse(text);
  if (!parsed) {
    close_for_violation(context, EndReason::socketio_violation, socketio::describe(parsed.error()));
    return;
  }
  const socketio::Packet& packet = *parsed;
  if (packet.type != socketio::PacketType::connect) {
    if (state_ == State::joined && packet.name_space == socketio::kMainNamespace) {
      on_connected_packet(context, text, packet);
    } else {
      close_for_violation(context, EndReason::socketio_violation,
                          state_ == State::joined ? "packet for a namespace that it is not in"
                                                  : "packet before its CONNECT was answered");
    }
  } else if (packet.name_space != socketio::kMainNamespace) {
    context.events.on_foreign_namespace(*this, packet.name_space);
    context.scratch.clear();
    socketio::append_connect_error(context.scratch, "Invalid namespace", packet.name_space);
    send_text(context, context.scratch);
  } else if (state_ == State::waiting) {
    context.events.on_connect(*this);
  } else {
    close_for_violation(context, EndReason::socketio_violation, "second CONNECT");
  }
}

void Session::on_connected_packet(SessionContext& context, std::string_view text,
                                  const socketio::Packet& packet) {
  if (packet.attachments != 0) {
    assembly_ = socketio::BinaryAssembly::begin(text, packet, context.limits.max_payload_bytes);
    if (!assembly_) {
      close_for_violation(context, EndReason::socketio_violation,
                          "placeholder without an attachment");
    }
    return;
  }
  switch (packet.type) {
    case socketio::PacketType::event:
    case socketio::PacketType::binary_event:
      context.events.on_event(*this, packet);
      break;
    case socketio::PacketType::disconnect:
      context.events.on_disconnect(*this);
      break;
    case socketio::PacketType::ack:
    case socketio::PacketType::binary_ack:
      break;  // the broker asks for no acknowledgements
    case socketio::PacketType::connect:
    case socketio::PacketType::connect_error:
      close_for_violation(context, EndReason::socketio_violation,
                          "CONNECT_ERROR, which only servers send");
      break;
  }
}

void Session::on_binary(SessionContext& context, std::size_t size) {
  if (!assembly_) {
    close_for_violation(context, EndReason::socketio_violation,
                        "binary message that was not announced");
    return;
  }
  switch (assembly_->take(size)) {
    case socketio::BinaryAssembly::Outcome::more_due:
      break;
    case socketio::BinaryAssembly::Outcome::fault:
      assembly_.reset();
      close_for_violation(context, EndReason::socketio_violation,
                          "attachments that together exceed MAX_PAYLOAD_BYTES");
      break;
    case socketio::BinaryAssembly::Outcome::complete: {
      const auto complete = std::exchange(assembly_, nullptr);
      const auto parsed = context.parser.parse(complete->text());
      if (parsed && parsed->type == socketio::PacketType::binary_event) {
        context.events.on_event(*this, *parsed);
      }
      break;
    }
  }
}

void Session::tick(SessionContext& context, TimePoint now) {
  if (state_ == State::closing || state_ == State::admitting) return;
  if (state_ == State::waiting && now >= connect_by_) {
    close(context, CloseCode::no_status,
          {EndReason::handshake_timeout, ms(context.limits.handshake_timeout)});
    return;
  }
  if (now < heartbeat_.deadline()) return;
  switch (heartbeat_.tick(now, context.limits.timing)) {
    case engineio::Heartbeat::Action::none:
      break;
    case engineio::Heartbeat::Action::send_ping:
      ping(context);
      sent_at_ping_ = bytes_sent();
      break;
    case engineio::Heartbeat::Action::timed_out: {
      const bool behind = is_behind();
      const std::uint64_t sent_now = bytes_sent();
      if (behind && sent_now != sent_at_ping_) {
        sent_at_ping_ = sent_now;
        heartbeat_.extend(now, context.limits.timing);
        break;
      }
      const std::uint64_t waited = ms(context.limits.timing.ping_timeout);
      if (!behind) {
        disconnect_for_reconnect(context, {EndReason::ping_timeout, waited});
        break;
      }
      const std::size_t waiting = outbox_.waiting();
      // The FIN must not queue behind bytes that the node does not read.
      outbox_.discard();
      disconnect_for_reconnect(context, {EndReason::outbox_stalled, waited, waiting});
      break;
    }
  }
}

TimePoint Session::deadline() const {
  if (state_ == State::closing || state_ == State::admitting) return TimePoint::max();
  if (state_ == State::waiting) return std::min(connect_by_, heartbeat_.deadline());
  return heartbeat_.deadline();
}

void Session::join(SessionContext& context, std::string_view event, std::string_view literal) {
  state_ = State::joined;
  early_bytes_ = 0;
  const engineio::Sid sid = context.sids.next();
  context.scratch.clear();
  socketio::append_connect(context.scratch, {sid.data(), sid.size()});
  send_text(context, context.scratch);
  const std::size_t size = socketio::event_size(event, literal);
  outbox_.push_own(handle_.generation, websocket::header_size(size) + size, context.dirty,
                   [&](char* out) {
                     out += websocket::write_header(out, Opcode::text, size);
                     socketio::write_event(out, event, literal);
                   });
  // Behind these.
  outbox_.join(handle_.generation);
}

void Session::refuse(SessionContext& context, std::string_view message, TimePoint now) {
  context.scratch.clear();
  socketio::append_connect_error(context.scratch, message);
  send_text(context, context.scratch);
  leave(context, now);
}

void Session::leave(SessionContext& context, TimePoint now) {
  outbox_.leave();
  state_ = State::waiting;
  connect_by_ = now + context.limits.handshake_timeout;
}

void Session::ack(SessionContext& context, const socketio::AckId& id, std::string_view arguments) {
  if (!id.present()) return;
  const std::size_t size = socketio::ack_size(id, arguments);
  outbox_.push_own(handle_.generation, websocket::header_size(size) + size, context.dirty,
                   [&](char* out) {
                     out += websocket::write_header(out, Opcode::text, size);
                     socketio::write_ack(out, id, arguments);
                   });
}

void Session::ack_text(SessionContext& context, const socketio::AckId& id, std::string_view text) {
  if (!id.present()) return;
  context.scratch.clear();
  socketio::append_text_ack(context.scratch, id, text);
  send_text(context, context.scratch);
}

void Session::disconnect_for_reconnect(SessionContext& context, const End& why) {
  if (state_ == State::closing) return;
  count(context, why);
  begin_closing(context, Ending::finish, why);
}

void Session::disconnect_permanently(SessionContext& context, const End& why) {
  // Nothing of others comes behind it, and none after a close frame (RFC 6455, 5.5.1).
  outbox_.leave();
  if (state_ == State::joined) send_text(context, socketio::kDisconnect);
  close(context, CloseCode::no_status, why);
}

void Session::close(SessionContext& context, CloseCode code, const End& why) {
  if (state_ == State::closing) return;
  count(context, why);
  outbox_.leave();
  send_raw(context, websocket::CloseFrame(code).bytes());
  begin_closing(context, Ending::await_close, why);
}

void Session::drop(SessionContext& context, const End& why) {
  if (state_ != State::closing) count(context, why);
  begin_closing(context, Ending::finish, why);
}

void Session::stop_receiving(SessionContext& context, CloseCode code, const End& why) {
  count(context, why);
  outbox_.leave();
  if (state_ != State::closing) send_raw(context, websocket::CloseFrame(code).bytes());
  begin_closing(context, Ending::finish, why);
}

void Session::on_violation(SessionContext& context, const websocket::Event& event,
                           std::size_t most) {
  if (event.fault != websocket::Fault::too_large) {
    stop_receiving(context, event.code,
                   {EndReason::websocket_violation, websocket::describe(event.fault)});
  } else if (state_ < State::joined) {
    stop_receiving(context, event.code, {EndReason::early_bytes, event.needed, most});
  } else {
    stop_receiving(context, event.code, {EndReason::message_too_large, event.needed, most});
  }
}

void Session::close_for_violation(SessionContext& context, EndReason layer, std::string_view how) {
  close(context, CloseCode::no_status, {layer, how});
}

void Session::begin_closing(SessionContext& context, Ending ending, const End& why) {
  ending_ = ending;
  if (state_ == State::closing) return;
  outbox_.shut(handle_.generation);
  assembly_.reset();
  if (!receiving_) frames_.forget();
  // Reported before the state changes, so that the broker sees the state in which the session ends.
  context.events.on_end(*this, why);
  state_ = State::closing;
}

std::size_t Session::held_bytes() const noexcept {
  return frames_.held_bytes() + (assembly_ ? assembly_->text().size() : 0);
}

void Session::send_text(SessionContext& context, std::string_view text) {
  send_frame(context, Opcode::text, text);
}

void Session::send_frame(SessionContext& context, Opcode opcode, std::span<const char> payload) {
  const std::size_t size = payload.size();
  outbox_.push_own(handle_.generation, websocket::header_size(size) + size, context.dirty,
                   [&](char* out) {
                     out += websocket::write_header(out, opcode, size);
                     if (size != 0) std::memcpy(out, payload.data(), size);
                   });
}

void Session::send_raw(SessionContext& context, std::string_view bytes) {
  outbox_.push_own(handle_.generation, bytes.size(), context.dirty,
                   [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); });
}

std::uint64_t Session::bytes_sent() const {
  return outbox_.with_wire(
      [](const Outbox::Wire& wire, const ByteQueue&) { return wire.bytes_sent; });
}

bool Session::is_behind() const {
  return outbox_.with_wire([](const Outbox::Wire& wire, const ByteQueue& queue) {
    return wire.blocked || !queue.empty();
  });
}

}  // namespace crolang::session
