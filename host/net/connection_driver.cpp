#include "net/connection_driver.hpp"

#include <span>
#include <utility>

#include "client_address/proxy_header.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

using broker::Node;
using session::End;
using session::EndReason;
using session::SessionHandle;
using telemetry::Counter;

namespace {

constexpr std::size_t kReadBuffer = 256 * 1024;
// How long reading pauses from a node that exceeds its presence query limit.
constexpr auto kReadingPause = std::chrono::milliseconds(250);

// In one loop iteration, for handshakes that begin. A full one takes 0.3 ms.
constexpr auto kHandshakeShare = std::chrono::milliseconds(2);

ConnectionContext context_for(const ConnectionDriver::Parts& parts, ListenerIndex index,
                              TimePoint now) {
  const ListenerPolicy& listener = parts.listeners.of(index);
  return {parts.session, listener.http, listener.clients, parts.handler, now};
}

}  // namespace

ConnectionDriver::ConnectionDriver(const Parts& parts, TimePoint now)
    : epoll_(parts.epoll),
      counters_(parts.session.counters),
      listeners_(parts.listeners),
      contexts_{context_for(parts, ListenerIndex::nodes, now),
                context_for(parts, ListenerIndex::plain, now)},
      accept_policy_(parts.accept_policy),
      memory_(parts.memory),
      table_(parts.outboxes, parts.worker, parts.epoll),
      wheel_(now),
      buffer_(kReadBuffer) {}

// ---- inputs

ConnectionDriver::Adopted ConnectionDriver::adopt(AcceptedSocket accepted) {
  CountedConnection counted = std::move(accepted.counted);
  const bool is_limited = accepted.is_limited;
  std::unique_ptr<TlsTransport> tls;
  if (const auto* const current = listeners_.of(accepted.listener).tls) {
    tls = std::make_unique<TlsTransport>(current->get());
  }
  DrivenConnection* driven = table_.open(std::move(accepted), std::move(tls),
                                         now() + contexts_[0].session.limits.handshake_timeout);
  if (driven == nullptr) return Adopted::no_slot;
  gauges_.load.fetch_add(1, std::memory_order_relaxed);
  gauges_.handshakes.fetch_add(1, std::memory_order_relaxed);
  counters_.add(Counter::connections_opened);
  const SessionHandle handle = driven->connection.handle();
  driven->is_limited = is_limited;
  driven->counted = counted.detach();
  if (watch(driven->connection.outbox(), key_of(handle))) {
    drive(*driven, [&](const Connection&) {
      list_evictable(handle);
      begin_handshake(handle);
    });
  } else {
    end(*driven, EndReason::out_of_memory);
  }
  return Adopted::yes;
}

void ConnectionDriver::on_ready(const epoll_event& event) {
  DrivenConnection* driven = table_.find(event.data.u64);
  // It ended earlier in this loop iteration.
  if (driven == nullptr) return;
  drive(*driven, [&](Connection& connection) {
    if ((event.events & EPOLLOUT) != 0) {
      counters_.add(Counter::bytes_sent, flush(connection.outbox(), epoll_));
    }
    if ((event.events & EPOLLIN) != 0) {
      read_within_share(*driven);
    } else if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      // Reading is off, so nothing else would notice that the peer is gone. If reading is only
      // paused, what the peer sent before that is still read.
      if (connection.is_reading_paused()) {
        read(*driven);
      } else {
        connection.end(context_of(*driven), session::end_of_tcp(driven->transport.error()));
      }
    }
  });
}

void ConnectionDriver::check_timeouts() {
  wheel_.advance(now(), [this](TimerNode& node) {
    auto& driven = static_cast<DrivenConnection&>(node);
    drive(driven, [&](Connection& connection) { connection.on_deadline(context_of(driven)); });
  });
}

void ConnectionDriver::resume_due() {
  while (!paused_.empty() && paused_.front().until <= now()) {
    DrivenConnection* driven = table_.find(paused_.front().handle);
    paused_.pop_front();
    if (driven == nullptr) continue;
    driven->connection.resume_reading();
    update_reading(*driven);
  }
}

// ---- actions

template <class Input>
void ConnectionDriver::drive(DrivenConnection& driven, Input&& input) {
  const bool succeeded = memory_.try_run(now(), [&] {
    input(driven.connection);
    apply(driven);
  });
  if (!succeeded) end(driven, EndReason::out_of_memory);
}

void ConnectionDriver::apply(DrivenConnection& driven) {
  const Connection& connection = driven.connection;
  if (connection.is_closed()) {
    remove(driven);
    return;
  }
  update_reading(driven);
  count(driven);
  if (driven.in_handshake && !connection.is_in_handshake()) end_handshake(driven);
  if (connection.phase() == Connection::Phase::flushing && !driven.flushing) {
    flushing_.push_back(connection.handle());
    driven.flushing = true;
  }
  wheel_.schedule(driven, connection.deadline());
  account(driven);
}

void ConnectionDriver::update_reading(DrivenConnection& driven) {
  const bool reads = driven.connection.wants_to_read();
  if (reads == driven.reads) return;
  driven.reads = reads;
  set_reading(driven.connection.outbox(), reads ? Reading::on : Reading::off);
}

void ConnectionDriver::count(DrivenConnection& driven) {
  const bool is_node = driven.connection.may_be_node();
  if (is_node == driven.is_node) return;
  driven.is_node = is_node;
  if (is_node) {
    gauges_.nodes.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  gauges_.nodes.fetch_sub(1, std::memory_order_relaxed);
  if (driven.connection.is_closed()) return;
  list_evictable(driven.connection.handle());
}

void ConnectionDriver::begin_handshake(SessionHandle handle) {
  const auto kind = [this](SessionHandle each) {
    const DrivenConnection* const driven = table_.find(each);
    return driven != nullptr && driven->in_handshake ? EvictionQueue::Kind::idle
                                                     : EvictionQueue::Kind::gone_or_node;
  };
  const auto oldest = accept_policy_.list_handshake(
      handle, gauges_.handshakes.load(std::memory_order_relaxed), kind);
  if (!oldest) return;
  counters_.add(Counter::closed_for_handshake);
  static telemetry::Throttle throttle{1};
  if (const auto suppressed = throttle.admit(now())) {
    telemetry::log::warning(
        "more connections than MAX_HANDSHAKES have not sent a whole request: closed the oldest",
        {{"suppressed", *suppressed}});
  }
  end(table_.at(*oldest), EndReason::room);
}

void ConnectionDriver::account(DrivenConnection& driven) {
  const std::size_t bytes =
      driven.connection.held_bytes() + driven.transport.held_bytes(driven.connection.outbox());
  if (bytes == driven.accounted) return;
  const std::uint64_t sum = gauges_.inbound_bytes.load(std::memory_order_relaxed);
  gauges_.inbound_bytes.store(sum + bytes - driven.accounted, std::memory_order_relaxed);
  driven.accounted = static_cast<std::uint32_t>(bytes);
}

void ConnectionDriver::read_proxy_header(DrivenConnection& driven) {
  Connection& connection = driven.connection;
  const auto room = std::span(buffer_).first(client_address::kMaxProxyHeader);
  const ReadResult waiting = driven.transport.peek(room);
  switch (waiting.kind) {
    case ReadResult::Kind::bytes: {
      const std::size_t taken =
          connection.take_proxy_header(context_of(driven), {room.data(), waiting.count});
      if (taken != 0) driven.transport.skip(taken, buffer_);
      counters_.add(Counter::bytes_received, taken);
      break;
    }
    case ReadResult::Kind::nothing:
      break;
    case ReadResult::Kind::ended:
    case ReadResult::Kind::failed:  // peek does not read TLS
      connection.end(context_of(driven), session::end_of_tcp(waiting.error));
      break;
  }
}

void ConnectionDriver::read(DrivenConnection& driven) {
  Connection& connection = driven.connection;
  if (connection.phase() == Connection::Phase::proxy_header) {
    read_proxy_header(driven);
    // Otherwise epoll reports the rest of it.
    if (connection.phase() != Connection::Phase::request) return;
  }
  ConnectionContext& context = context_of(driven);
  bool has_filled = false;
  bool has_read = false;
  do {
    const Connection::ReadBuffer buffer =
        connection.begin_read(buffer_, driven.transport.least_room());
    const ReadResult result = driven.transport.read(connection.outbox(), buffer.room);
    counters_.add(Counter::bytes_received, result.received);
    if (result.sent != 0) counters_.add(Counter::bytes_sent, result.sent);
    bytes_read_ += result.received;
    has_filled = has_filled || result.has_filled;
    has_read = has_read || result.count != 0;
    connection.end_read(context, buffer, result.count,
                        has_filled ? Connection::Unread::some : Connection::Unread::none);
    switch (result.kind) {
      case ReadResult::Kind::bytes:
      case ReadResult::Kind::nothing:
        break;
      case ReadResult::Kind::ended:
        // What has come together with a close_notify may have been answered. TCP reports its end by
        // itself, after the loop has flushed.
        if (has_read) {
          counters_.add(Counter::bytes_sent, flush(connection.outbox(), epoll_));
        }
        connection.end(context, session::end_of_tcp(result.error));
        break;
      case ReadResult::Kind::failed:
        if (connection.is_closed()) break;
        connection.on_tls_failure(context, driven.transport.tls(connection.outbox())->failure());
        break;
    }
  } while (driven.transport.has_pending(connection.outbox()) && !connection.is_closed());
}

void ConnectionDriver::read_within_share(DrivenConnection& driven) {
  const session::Outbox& outbox = driven.connection.outbox();
  TlsTransport* const tls = driven.in_handshake ? driven.transport.tls(outbox) : nullptr;
  if (tls == nullptr) {
    read(driven);
    return;
  }
  if (!tls->is_new()) {
    read(driven);
  } else if (spent_on_handshakes_ < kHandshakeShare) {
    const auto begun = std::chrono::steady_clock::now();
    read(driven);
    spent_on_handshakes_ += std::chrono::steady_clock::now() - begun;
  }
  if (driven.transport.tls(outbox) == tls) note_handshake(*tls);
}

void ConnectionDriver::note_handshake(TlsTransport& tls) {
  const auto result = tls.take_result();
  if (!result) return;
  switch (*result) {
    case tls::HandshakeFacts::Resumption::full:
      counters_.add(Counter::tls_handshakes_full);
      break;
    case tls::HandshakeFacts::Resumption::resumed:
      counters_.add(Counter::tls_handshakes_resumed);
      break;
  }
}

// ---- ending

void ConnectionDriver::end(DrivenConnection& driven, const End& why) {
  // Should even this fail, the next claim of the id finds that the lease has no owner.
  memory_.try_run(now(), [&] { driven.connection.end(context_of(driven), why); });
  remove(driven);
}

void ConnectionDriver::remove(DrivenConnection& driven) {
  if (driven.removed) return;
  if (driven.connection.node() != nullptr) gauges_.sessions.fetch_sub(1, std::memory_order_relaxed);
  count(driven);
  if (driven.in_handshake) end_handshake(driven);
  if (driven.counted) accept_policy_.release(driven.connection.client());
  wheel_.cancel(driven);
  close(driven.connection.outbox());
  account(driven);
  counters_.add(Counter::connections_closed);
  gauges_.load.fetch_sub(1, std::memory_order_relaxed);
  table_.remove(driven);
}

void ConnectionDriver::shut_down_listed() {
  for (const SessionHandle handle : flushing_) {
    DrivenConnection* driven = table_.find(handle);
    if (driven == nullptr) continue;
    driven->flushing = false;
    // If not, epoll reports the next progress, and the connection is listed again.
    if (!flushed_or_notify(driven->connection.outbox())) continue;
    shut_down(driven->connection.outbox());
    driven->connection.linger(now());
    wheel_.schedule(*driven, driven->connection.deadline());
  }
  flushing_.clear();
}

// ---- what the broker decides

void ConnectionDriver::deadline_changed(Node& node) {
  DrivenConnection* driven = table_.find(node.handle());
  // The caller that ended it is about to remove it.
  if (driven == nullptr || driven->connection.is_closed()) return;
  driven->connection.on_session_changed(context_of(*driven));
  apply(*driven);
}

void ConnectionDriver::open(Node& node) {
  DrivenConnection& driven = table_.at(node.handle());
  driven.connection.open(context_of(driven));
  apply(driven);
}

void ConnectionDriver::refuse(Node& node, std::string_view reason) {
  DrivenConnection& driven = table_.at(node.handle());
  driven.connection.refuse(context_of(driven), reason);
  apply(driven);
}

void ConnectionDriver::pause_reading(Node& node) {
  DrivenConnection& driven = table_.at(node.handle());
  if (driven.connection.is_reading_paused()) return;
  paused_.push_back({now() + kReadingPause, node.handle()});
  driven.connection.pause_reading();
  update_reading(driven);
}

// ---- facts

std::string ConnectionDriver::take_tls_client_subject(SessionHandle handle) {
  const DrivenConnection& driven = table_.at(handle);
  TlsTransport* const tls = driven.transport.tls(driven.connection.outbox());
  return tls != nullptr ? tls->take_client_subject() : std::string();
}

EvictionQueue::Kind ConnectionDriver::kind_of(SessionHandle handle) const {
  const DrivenConnection* driven = table_.find(handle);
  if (driven == nullptr) return EvictionQueue::Kind::gone_or_node;
  if (!driven->connection.may_be_node()) return EvictionQueue::Kind::idle;
  return driven->connection.is_joined() ? EvictionQueue::Kind::gone_or_node
                                        : EvictionQueue::Kind::busy;
}

void ConnectionDriver::list_evictable(SessionHandle handle) {
  accept_policy_.list(handle, [this](SessionHandle each) { return kind_of(each); });
}

}  // namespace crolang::net
