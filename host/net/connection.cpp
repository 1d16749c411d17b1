#include "net/connection.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

#include "client_address/forwarded.hpp"
#include "client_address/proxy_header.hpp"
#include "net/http/framing.hpp"
#include "net/request_log.hpp"

namespace crolang::net {

using session::End;
using session::EndReason;
using session::Session;
using session::State;
using telemetry::Counter;

namespace {

// How many pipelined requests are answered per read. A client that sends more at a time is not
// waiting for answers.
constexpr int kMaxPipelined = 16;
// A closing connection keeps an incomplete frame up to this size, which may be a control frame,
// such as the answer to its close frame. Of a larger one the bytes are freed and the rest is
// skipped.
constexpr std::size_t kFreeAbove = 256;

// The official server gives its clients as long to answer a close frame.
constexpr auto kCloseTimeout = std::chrono::seconds(30);
// What a client sends after our last byte is read and discarded for this long, so that no TCP reset
// overtakes that byte.
constexpr auto kLinger = std::chrono::seconds(2);
// Between two requests on one connection, as the Keep-Alive header says.
constexpr auto kKeepAlive = std::chrono::seconds(5);
constexpr auto kNoResponseDelay = std::chrono::seconds(1);
// A node's timeout is postponed by at most this while bytes that it has sent are still unread.
constexpr auto kUnreadGrace = std::chrono::seconds(1);

Counter violation_of(const std::optional<RequestRefusal>& refusal) {
  return refusal && refusal->fault == RequestFault::proxy_protocol
             ? Counter::violation_proxy_protocol
             : Counter::violation_http;
}

void log(const ConnectionContext& context, const RequestRefusal& refusal, unsigned status,
         const client_address::Address& client) {
  const bool is_required =
      context.clients.proxy_protocol == client_address::ProxyProtocol::required;
  if (refusal.fault == RequestFault::proxy_protocol && is_required) {
    log_refusal({RequestFault::proxy_not_trusted}, status, client, context.now);
  } else {
    log_refusal(refusal, status, client, context.now);
  }
}

}  // namespace

// ---- bytes

std::size_t Connection::take_proxy_header(ConnectionContext& context, std::string_view waiting) {
  const std::size_t held = input_buffer_.size();
  if (held != 0) input_buffer_ += waiting;
  const auto parsed =
      client_address::parse_proxy_header(held != 0 ? std::string_view(input_buffer_) : waiting);
  if (std::holds_alternative<client_address::NeedsMore>(parsed)) {
    if (held == 0) input_buffer_ = waiting;
    return waiting.size();
  }
  free_input();
  if (const auto* const fault = std::get_if<client_address::ProxyHeaderFault>(&parsed)) {
    context.session.counters.add(Counter::violation_proxy_protocol);
    log_bad_proxy_header(*fault, client_, context.now);
    end(context, EndReason::already_reported);
    return 0;
  }
  const auto& header = std::get<client_address::ProxyHeader>(parsed);
  phase_ = Phase::request;
  if (header.source) {
    client_ = *header.source;
    if (const auto limit = context.handler.limit_client(handle_, {})) {
      log(context, {*limit}, 0, client_);
      end(context, EndReason::already_reported);
      return 0;
    }
  }
  return header.size - held;
}

Connection::ReadBuffer Connection::begin_read_behind(std::span<char> shared, std::size_t least) {
  const std::size_t held = input_buffer_.size();
  if (held < kCopyHeld) {
    std::memcpy(shared.data(), input_buffer_.data(), held);
    return {shared.subspan(held), held, ReadBuffer::In::shared};
  }
  // Grows with the bytes that arrive, not with the length that a header announces.
  const std::size_t more = std::max(std::clamp<std::size_t>(needed_ - held, 4096, held), least);
  input_buffer_.resize(held + more);
  return {{input_buffer_.data() + held, more}, held, ReadBuffer::In::own};
}

void Connection::end_read(ConnectionContext& context, const ReadBuffer& buffer, std::size_t count,
                          Unread unread) {
  const bool in_own = buffer.in == ReadBuffer::In::own;
  if (in_own) input_buffer_.resize(buffer.held + count);
  if (count == 0) return;
  unread_ = unread == Unread::some;
  if (node_) node_->on_received(context.session, count);
  if (skipping_) {
    const std::size_t skipped = std::min<std::size_t>(needed_, count);
    needed_ -= static_cast<std::uint32_t>(skipped);
    skipping_ = needed_ != 0;
    if (skipped < count) process_input(context, buffer.room.subspan(skipped, count - skipped));
    return;
  }
  const std::size_t total = buffer.held + count;
  if (total < needed_) {
    if (!in_own) input_buffer_.append(buffer.room.data(), count);
    return;
  }
  if (in_own) {
    std::string bytes = std::exchange(input_buffer_, std::string());
    process_input(context, bytes);
  } else {
    input_buffer_.clear();
    process_input(context, {buffer.room.data() - buffer.held, total});
  }
}

void Connection::process_input(ConnectionContext& context, std::span<char> bytes) {
  switch (phase_) {
    case Phase::request:
      on_request(context, bytes);
      break;
    case Phase::admitting:
      buffer_unparsed({bytes.data(), bytes.size()});
      break;
    case Phase::open:
      on_frames(context, bytes);
      break;
    case Phase::proxy_header:  // its bytes are passed to take_proxy_header
    case Phase::flushing:
    case Phase::lingering:
    case Phase::closed:
      break;
  }
}

void Connection::buffer_unparsed(std::string_view rest) {
  if (rest.size() > input_buffer_.capacity()) {
    // Exactly as much as needed: a growing string would allocate twice that.
    input_buffer_ = std::string(rest);
  } else if (!rest.empty()) {
    input_buffer_.assign(rest);
  } else if (input_buffer_.capacity() > kMaxInlineString) {
    free_input_buffer();
  }
}

void Connection::free_input_buffer() {
  // Assigning an empty string would keep the memory.
  std::string().swap(input_buffer_);
}

void Connection::free_input() {
  free_input_buffer();
  needed_ = 0;
  skipping_ = false;
}

void Connection::on_frames(ConnectionContext& context, std::span<char> bytes) {
  const Session::ReceiveResult result = node_->receive(context.session, bytes, context.now);
  if (is_closed()) return;
  skipping_ = result.skip != 0;
  needed_ = static_cast<std::uint32_t>(result.needed + result.skip);
  const auto rest = bytes.subspan(result.consumed);
  buffer_unparsed({rest.data(), rest.size()});
  on_session_changed(context);
}

// ---- TLS

void Connection::on_tls_failure(ConnectionContext& context, const TlsFailure& failure) {
  switch (failure.when) {
    case TlsFailure::When::handshake:
      if (failure.kind == tls::HandshakeFailure::Kind::plain_http) {
        log(context, {RequestFault::plain_http}, 400, client_);
        respond(context, make_response(400, After::close,
                                       {"text/plain; charset=utf-8",
                                        "this port speaks TLS: use wss:// or https://\n"}));
        return;
      }
      context.session.counters.add(Counter::tls_handshakes_failed);
      log_tls_handshake(failure, client_, context.now);
      start_flushing(context.now);
      return;
    case TlsFailure::When::violation:
      if (!node_) context.session.counters.add(Counter::violation_tls);
      end(context, {EndReason::tls_violation, failure.words});
      return;
    case TlsFailure::When::alert:
      end(context, {EndReason::tls_alert, failure.words});
      return;
  }
}

// ---- HTTP

void Connection::on_request(ConnectionContext& context, std::span<char> bytes) {
  std::string_view text(bytes.data(), bytes.size());
  needed_ = 0;
  for (int answered = 0;; ++answered) {
    text = without_leading_empty_lines(text);
    const std::size_t end_of_header = text.find("\r\n\r\n");
    if (end_of_header == std::string_view::npos || end_of_header + 4 > kMaxHeaderBytes) break;
    if (answered == kMaxPipelined || outbox_.waiting() > kMaxQueuedResponseBytes) {
      log(context, {RequestFault::pipelined}, 0, client_);
      start_flushing(context.now);
      return;
    }
    const std::string_view header = text.substr(0, end_of_header + 4);
    text.remove_prefix(header.size());
    on_header(context, header, text);
    if (phase_ != Phase::request) return;
  }
  if (const auto fault = foreign_protocol(text)) {
    refuse_request(context, 400, {*fault});
  } else if (text.size() > kMaxHeaderBytes) {
    refuse_request(context, 431, {RequestFault::header_too_large});
  } else {
    if (!text.empty()) needed_ = static_cast<std::uint32_t>(text.size() + 1);
    buffer_unparsed(text);
  }
}

void Connection::on_header(ConnectionContext& context, std::string_view header,
                           std::string_view rest) {
  // A connection of a proxy may carry requests of several clients before it is a node's.
  const auto client =
      client_address::client_of_request(context.clients, client_, header_lines(header));
  Decision decision = decide(header, context.http);
  if (auto* request = std::get_if<UpgradeRequest>(&decision)) {
    client_ = client;
    if (const auto fault = context.handler.limit_client(handle_, header_lines(header))) {
      refuse_client(context, *fault, request->identity.id());
      return;
    }
    context.handler.keep_request(handle_, request->identity, header_lines(header));
    upgrade(context, std::move(*request), rest);
  } else if (const auto* response = std::get_if<Response>(&decision)) {
    if (response->status == 400 || response->status == 431) {
      context.session.counters.add(violation_of(response->refusal));
    }
    if (const auto& refusal = response->refusal) {
      if (refusal->fault == RequestFault::origin) {
        context.session.counters.add(Counter::refused_origin);
      }
      log(context, *refusal, response->status, client);
    }
    respond(context, *response);
  } else if (const auto* request_for = std::get_if<PageRequest>(&decision)) {
    Response page = context.handler.render(*request_for);
    page.part = request_for->part;
    if (page.status == 404) log(context, {RequestFault::metrics_off}, page.status, client);
    respond(context, page);
  } else {
    close_without_response(context, std::get<NoResponse>(decision), client);
  }
}

void Connection::close_without_response(ConnectionContext& context, const NoResponse& no_response,
                                        const client_address::Address& client) {
  phase_ = Phase::lingering;
  log(context, no_response.refusal, 0, client);
  switch (no_response.when) {
    case NoResponse::When::now:
      end(context, EndReason::already_reported);
      break;
    case NoResponse::When::later:
      phase_deadline_ = context.now + kNoResponseDelay;
      break;
  }
}

void Connection::upgrade(ConnectionContext& context, UpgradeRequest request,
                         std::string_view rest) {
  // RFC 6455 4.1: a node waits for the 101. Bytes that arrive earlier are kept while the node is
  // being admitted.
  if (rest.size() > session::kMaxEarlyBytes) {
    refuse_request(context, 400,
                   {RequestFault::early_frames, {}, std::string(request.identity.id())});
    return;
  }
  // `rest` may contain frames already, and the admission may end before `admit` returns.
  buffer_unparsed(rest);
  response_ = std::make_unique<std::string>(std::move(request.response));
  node_.emplace(handle_, outbox_, std::move(request.identity));
  phase_ = Phase::admitting;
  context.handler.admit(*node_);
}

void Connection::open(ConnectionContext& context) {
  context.session.counters.add(Counter::http_1xx);
  write(context, *response_);
  response_.reset();
  phase_ = Phase::open;
  node_->open(context.session, context.now);
  // Messages of other nodes fill the outbox up to the limit; only the node's own answers exceed it.
  // So reading resumes once the outbox is back at the limit, and other nodes cannot prevent that.
  outbox_.with_wire([&](session::Outbox::Wire& wire, const session::ByteQueue&) {
    wire.max_backlog = 2 * context.session.limits.max_outbox_bytes;
  });
  std::string early = std::exchange(input_buffer_, std::string());
  node_->on_received(context.session, early.size());
  on_frames(context, early);
}

void Connection::refuse(ConnectionContext& context, std::string_view reason) {
  // Existing nodes retry every two seconds whatever this header says; other clients may heed it.
  respond(context, make_response(503, After::close, {"text/plain; charset=utf-8", reason},
                                 "Retry-After: 2\r\n"));
}

void Connection::refuse_client(ConnectionContext& context, RequestFault fault,
                               std::string_view node) {
  log(context, {fault, {}, std::string(node)}, 503, client_);
  refuse(context, "too many connections from this address");
}

void Connection::refuse_request(ConnectionContext& context, unsigned status,
                                const RequestRefusal& refusal) {
  context.session.counters.add(violation_of(refusal));
  log(context, refusal, status, client_);
  respond(context, make_response(status, After::close));
}

void Connection::respond(ConnectionContext& context, const Response& response) {
  context.session.counters.add(telemetry::http_counter(response.status));
  write(context, bytes_of(response));
  answered_ = true;
  switch (response.after) {
    case After::close:
      start_flushing(context.now);
      break;
    case After::keep:
      phase_deadline_ = context.now + kKeepAlive;
      break;
  }
}

void Connection::write(ConnectionContext& context, std::string_view bytes) {
  outbox_.push_own(handle_.generation, bytes.size(), context.session.dirty,
                   [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); });
}

// ---- ending

void Connection::on_session_changed(ConnectionContext& context) {
  if (phase_ != Phase::open) return;
  if (node_->state() != State::closing) {
    phase_deadline_ = TimePoint::max();
    return;
  }
  if (node_->ending() == session::Ending::finish) {
    start_flushing(context.now);
    return;
  }
  if (phase_deadline_ == TimePoint::max()) phase_deadline_ = context.now + kCloseTimeout;
  // The rest of a message that will not be handled.
  if (needed_ > input_buffer_.size() && input_buffer_.size() > kFreeAbove) {
    const auto left = needed_ - static_cast<std::uint32_t>(input_buffer_.size());
    free_input();
    needed_ = left;
    skipping_ = true;
  }
}

void Connection::start_flushing(TimePoint now) {
  phase_ = Phase::flushing;
  phase_deadline_ = now + kCloseTimeout;
  free_input();
}

void Connection::linger(TimePoint now) {
  phase_ = Phase::lingering;
  phase_deadline_ = now + kLinger;
}

void Connection::end(ConnectionContext& context, const End& why) {
  if (is_closed()) return;
  const Phase left = std::exchange(phase_, Phase::closed);
  if (!node_) return;
  // A client that was refused before its 101 has received the reason in the response.
  const bool was_refused = node_->state() == State::admitting && left != Phase::admitting;
  node_->drop(context.session, was_refused ? End(EndReason::asked_to_retry) : why);
}

// ---- time

void Connection::on_deadline(ConnectionContext& context) {
  if (phase_ == Phase::open && node_->state() != State::closing) {
    // The expected answer may be among the bytes that are still unread: check again right after the
    // next read.
    if (unread_ && context.now < node_->deadline() + kUnreadGrace) return;
    node_->tick(context.session, context.now);
    on_session_changed(context);
    return;
  }
  if (context.now < phase_deadline_) return;
  const bool is_idle = answered_ && input_buffer_.empty();
  const bool awaits_request = phase_ == Phase::proxy_header || phase_ == Phase::request;
  if (awaits_request && !is_idle) {
    context.session.counters.add(Counter::closed_handshake_timeout);
    log(context,
        {RequestFault::incomplete,
         std::to_string(context.session.limits.handshake_timeout.count())},
        0, client_);
  }
  // A closing client has been sent the reason, or has closed the connection itself.
  end(context, EndReason::already_reported);
}

}  // namespace crolang::net
