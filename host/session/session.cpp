#include "session/session.hpp"

#include <cstring>
#include <utility>

#include "engineio/open_packet.hpp"
#include "engineio/packet.hpp"
#include "websocket/frame_writer.hpp"

namespace crolang::session {

using telemetry::Counter;
using websocket::CloseCode;
using websocket::Opcode;

namespace {

// RFC 6455 5.2 and 5.5: header, mask and the longest payload.
constexpr std::size_t kMaxControlFrame = 2 + 4 + websocket::kMaxControlPayload;

void count(Workbench& bench, const End& end) {
  if (const auto counter = counter_of(end.reason)) bench.counters.add(*counter);
}

std::uint64_t ms(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

}  // namespace

void Session::open(Workbench& bench, TimePoint now) {
  heartbeat_ = engineio::Heartbeat(now, bench.limits.timing);
  connect_by_ = now + bench.limits.handshake_timeout;
  state_ = State::waiting;
  const engineio::Sid sid = bench.sids.next();
  bench.scratch.clear();
  engineio::append_open_packet(bench.scratch, {sid.data(), sid.size()}, bench.limits.timing,
                               bench.limits.max_payload_bytes);
  send_text(bench, bench.scratch);
}

Session::Intake Session::receive(Workbench& bench, std::span<char> bytes, TimePoint now) {
  receiving_ = true;
  const Intake intake = take_frames(bench, bytes, now);
  receiving_ = false;
  if (state_ == State::closing) frames_.forget();
  return intake;
}

Session::Intake Session::take_frames(Workbench& bench, std::span<char> bytes, TimePoint now) {
  Intake intake;
  if (state_ < State::joined && early_bytes_ > kMaxEarlyBytes) {
    break_off(bench, CloseCode::too_big, {EndReason::early_bytes, 0, kMaxEarlyBytes});
  }
  while (ending_ != Ending::finish) {
    const std::size_t most = state_ < State::joined
                                 ? std::min(kMaxEarlyBytes, bench.limits.max_payload_bytes)
                                 : bench.limits.max_payload_bytes;
    const websocket::Event event = frames_.next(bytes.subspan(intake.consumed), most);
    intake.consumed += event.consumed;
    const std::string_view text(event.payload.data(), event.payload.size());
    switch (event.kind) {
      case websocket::Event::Kind::incomplete: {
        const std::size_t rest = bytes.size() - intake.consumed;
        if (state_ == State::closing && event.needed > kMaxControlFrame) {
          intake.consumed = bytes.size();
          intake.skip = event.needed - rest;
        } else {
          intake.needed = event.needed;
        }
        return intake;
      }
      case websocket::Event::Kind::fragment:
      case websocket::Event::Kind::pong:
        break;
      case websocket::Event::Kind::text:
        if (state_ != State::closing) on_text(bench, text, now);
        break;
      case websocket::Event::Kind::binary:
        if (state_ != State::closing) on_binary(bench, text.size());
        break;
      case websocket::Event::Kind::ping:
        if (state_ != State::closing) send_frame(bench, Opcode::pong, event.payload);
        break;
      case websocket::Event::Kind::close:
        // RFC 6455 5.5.1: a close frame is answered by one, unless ours went first.
        if (state_ != State::closing) send_frame(bench, Opcode::close, event.payload);
        drop(bench, {EndReason::close_frame, static_cast<std::uint64_t>(event.code)});
        break;
      case websocket::Event::Kind::violation:
        on_violation(bench, event, most);
        break;
    }
  }
  // Nothing that follows the end of a WebSocket means anything.
  intake.consumed = bytes.size();
  intake.needed = 0;
  return intake;
}

void Session::on_text(Workbench& bench, std::string_view text, TimePoint now) {
  const auto packet = engineio::parse(text);
  if (!packet) {
    violate(bench, EndReason::engineio_violation,
            text.empty()          ? "empty packet"
            : text.front() == '2' ? "ping"
                                  : "unknown packet: is it a client of Socket.IO?");
    return;
  }
  switch (packet->type) {
    case engineio::PacketType::message:
      on_packet(bench, packet->data);
      break;
    case engineio::PacketType::pong:
      heartbeat_.on_pong(now, bench.limits.timing);
      break;
    case engineio::PacketType::binary:
      on_binary(bench, engineio::decoded_size(packet->data));
      break;
    case engineio::PacketType::ignored:
      break;
  }
}

void Session::on_packet(Workbench& bench, std::string_view text) {
  // An announced attachment may be followed by nothing but its bytes.
  if (assembly_) {
    violate(bench, EndReason::socketio_violation, "text where an attachment is due");
    return;
  }
  const auto parsed = bench.parser.parse(text);
  if (!parsed) {
    violate(bench, EndReason::socketio_violation, socketio::describe(parsed.error()));
    return;
  }
  const socketio::Packet& packet = *parsed;
  if (packet.type != socketio::PacketType::connect) {
    if (state_ == State::joined && packet.name_space == socketio::kMainNamespace) {
      on_connected_packet(bench, text, packet);
    } else {
      violate(bench, EndReason::socketio_violation,
              state_ == State::joined ? "packet for a namespace that it is not in"
                                      : "packet before its CONNECT was answered");
    }
  } else if (packet.name_space != socketio::kMainNamespace) {
    bench.events.on_foreign_namespace(*this, packet.name_space);
    bench.scratch.clear();
    socketio::append_connect_error(bench.scratch, "Invalid namespace", packet.name_space);
    send_text(bench, bench.scratch);
  } else if (state_ == State::waiting) {
    bench.events.on_connect(*this);
  } else {
    violate(bench, EndReason::socketio_violation, "second CONNECT");
  }
}

void Session::on_connected_packet(Workbench& bench, std::string_view text,
                                  const socketio::Packet& packet) {
  if (packet.attachments != 0) {
    assembly_ = socketio::BinaryAssembly::begin(text, packet, bench.limits.max_payload_bytes);
    if (!assembly_) {
      violate(bench, EndReason::socketio_violation, "placeholder of no attachment");
    }
    return;
  }
  switch (packet.type) {
    case socketio::PacketType::event:
    case socketio::PacketType::binary_event:
      bench.events.on_event(*this, packet);
      break;
    case socketio::PacketType::disconnect:
      bench.events.on_disconnect(*this);
      break;
    case socketio::PacketType::ack:
    case socketio::PacketType::binary_ack:
      break;  // nobody asked for it
    case socketio::PacketType::connect:
    case socketio::PacketType::connect_error:
      violate(bench, EndReason::socketio_violation, "CONNECT_ERROR, which only brokers send");
      break;
  }
}

void Session::on_binary(Workbench& bench, std::size_t size) {
  if (!assembly_) {
    violate(bench, EndReason::socketio_violation, "binary message that was not announced");
    return;
  }
  switch (assembly_->take(size)) {
    case socketio::BinaryAssembly::Outcome::more_due:
      break;
    case socketio::BinaryAssembly::Outcome::fault:
      assembly_.reset();
      violate(bench, EndReason::socketio_violation,
              "attachments that together exceed MAX_PAYLOAD_BYTES");
      break;
    case socketio::BinaryAssembly::Outcome::complete: {
      const auto complete = std::exchange(assembly_, nullptr);
      const auto parsed = bench.parser.parse(complete->text());
      if (parsed && parsed->type == socketio::PacketType::binary_event) {
        bench.events.on_event(*this, *parsed);
      }
      break;
    }
  }
}

void Session::tick(Workbench& bench, TimePoint now) {
  if (state_ == State::closing || state_ == State::admitting) return;
  if (state_ == State::waiting && now >= connect_by_) {
    close(bench, CloseCode::no_status,
          {EndReason::handshake_timeout, ms(bench.limits.handshake_timeout)});
    return;
  }
  if (now < heartbeat_.deadline()) return;
  switch (heartbeat_.tick(now, bench.limits.timing)) {
    case engineio::Heartbeat::Action::none:
      break;
    case engineio::Heartbeat::Action::send_ping:
      ping(bench);
      moved_at_ping_ = moved();
      break;
    case engineio::Heartbeat::Action::timed_out: {
      const bool behind = is_behind();
      const std::uint64_t moved_now = moved();
      if (behind && moved_now != moved_at_ping_) {
        moved_at_ping_ = moved_now;
        heartbeat_.extend(now, bench.limits.timing);
        break;
      }
      const std::uint64_t waited = ms(bench.limits.timing.ping_timeout);
      if (!behind) {
        send_back(bench, {EndReason::ping_timeout, waited});
        break;
      }
      const std::size_t waiting = outlet_.waiting();
      // What it does not read must not stand between it and the end.
      outlet_.discard();
      send_back(bench, {EndReason::outbox_stalled, waited, waiting});
      break;
    }
  }
}

TimePoint Session::deadline() const {
  if (state_ == State::closing || state_ == State::admitting) return TimePoint::max();
  if (state_ == State::waiting) return std::min(connect_by_, heartbeat_.deadline());
  return heartbeat_.deadline();
}

void Session::join(Workbench& bench, std::string_view rtc_literal) {
  state_ = State::joined;
  early_bytes_ = 0;
  const engineio::Sid sid = bench.sids.next();
  bench.scratch.clear();
  socketio::append_connect(bench.scratch, {sid.data(), sid.size()});
  send_text(bench, bench.scratch);
  constexpr std::string_view kName = "AUTHENTICATED";
  const std::size_t size = socketio::event_size(kName, rtc_literal);
  outlet_.push_own(handle_.generation, websocket::header_size(size) + size, bench.dirty,
                   [&](char* out) {
                     out += websocket::write_header(out, Opcode::text, size);
                     socketio::write_event(out, kName, rtc_literal);
                   });
}

void Session::refuse(Workbench& bench, std::string_view message, TimePoint now) {
  bench.scratch.clear();
  socketio::append_connect_error(bench.scratch, message);
  send_text(bench, bench.scratch);
  leave(bench, now);
}

void Session::leave(Workbench& bench, TimePoint now) {
  state_ = State::waiting;
  connect_by_ = now + bench.limits.handshake_timeout;
}

void Session::ack(Workbench& bench, const socketio::AckId& id, socketio::AckStatus status) {
  constexpr Counter kCounters[] = {Counter::ack_ok, Counter::ack_error, Counter::ack_unauthorized,
                                   Counter::ack_not_connected, Counter::ack_disabled};
  bench.counters.add(kCounters[static_cast<std::size_t>(status)]);
  if (!id.present()) return;
  const std::size_t size = socketio::ack_size(id, status);
  outlet_.push_own(handle_.generation, websocket::header_size(size) + size, bench.dirty,
                   [&](char* out) {
                     out += websocket::write_header(out, Opcode::text, size);
                     socketio::write_ack(out, id, status);
                   });
}

void Session::ack_text(Workbench& bench, const socketio::AckId& id, std::string_view text) {
  if (!id.present()) return;
  bench.scratch.clear();
  socketio::append_text_ack(bench.scratch, id, text);
  send_text(bench, bench.scratch);
}

void Session::send_back(Workbench& bench, const End& why) {
  if (state_ == State::closing) return;
  count(bench, why);
  begin_closing(bench, Ending::finish, why);
}

void Session::expel(Workbench& bench, const End& why) {
  if (state_ == State::joined) send_text(bench, socketio::kDisconnect);
  close(bench, CloseCode::no_status, why);
}

void Session::close(Workbench& bench, CloseCode code, const End& why) {
  if (state_ == State::closing) return;
  count(bench, why);
  send_raw(bench, websocket::CloseFrame(code).bytes());
  begin_closing(bench, Ending::await_close, why);
}

void Session::drop(Workbench& bench, const End& why) {
  if (state_ != State::closing) count(bench, why);
  begin_closing(bench, Ending::finish, why);
}

void Session::break_off(Workbench& bench, CloseCode code, const End& why) {
  count(bench, why);
  if (state_ != State::closing) send_raw(bench, websocket::CloseFrame(code).bytes());
  begin_closing(bench, Ending::finish, why);
}

void Session::on_violation(Workbench& bench, const websocket::Event& event, std::size_t most) {
  if (event.fault != websocket::Fault::too_large) {
    break_off(bench, event.code,
              {EndReason::websocket_violation, websocket::describe(event.fault)});
  } else if (state_ < State::joined) {
    break_off(bench, event.code, {EndReason::early_bytes, event.needed, most});
  } else {
    break_off(bench, event.code, {EndReason::message_too_large, event.needed, most});
  }
}

void Session::violate(Workbench& bench, EndReason layer, std::string_view how) {
  close(bench, CloseCode::no_status, {layer, how});
}

void Session::begin_closing(Workbench& bench, Ending ending, const End& why) {
  ending_ = ending;
  if (state_ == State::closing) return;
  outlet_.shut(handle_.generation);
  assembly_.reset();
  if (!receiving_) frames_.forget();
  // The broker still sees which state it leaves.
  bench.events.on_end(*this, why);
  state_ = State::closing;
}

std::size_t Session::held_bytes() const noexcept {
  return frames_.held_bytes() + (assembly_ ? assembly_->text().size() : 0);
}

void Session::send_text(Workbench& bench, std::string_view text) {
  send_frame(bench, Opcode::text, text);
}

void Session::send_frame(Workbench& bench, Opcode opcode, std::span<const char> payload) {
  const std::size_t size = payload.size();
  outlet_.push_own(handle_.generation, websocket::header_size(size) + size, bench.dirty,
                   [&](char* out) {
                     out += websocket::write_header(out, opcode, size);
                     if (size != 0) std::memcpy(out, payload.data(), size);
                   });
}

void Session::send_raw(Workbench& bench, std::string_view bytes) {
  outlet_.push_own(handle_.generation, bytes.size(), bench.dirty,
                   [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); });
}

std::uint64_t Session::moved() const {
  return outlet_.with_wire([](const Outlet::Wire& wire, const ByteQueue&) { return wire.moved; });
}

bool Session::is_behind() const {
  return outlet_.with_wire(
      [](const Outlet::Wire&, const ByteQueue& queue) { return !queue.empty(); });
}

}  // namespace crolang::session
