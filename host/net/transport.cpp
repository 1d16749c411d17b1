#include "net/transport.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "net/receive.hpp"
#include "net/tls_transport.hpp"

namespace crolang::net {

using session::ByteQueue;
using session::Outbox;

namespace {

void update_backpressure(Outbox::Wire& wire, const ByteQueue& queue) {
  // Between the two thresholds nothing changes.
  if (queue.size() > wire.max_backlog) {
    wire.over_high_watermark = true;
  } else if (queue.size() <= wire.max_backlog / 2) {
    wire.over_high_watermark = false;
  }
}

std::uint32_t interest_of(const Outbox::Wire& wire) {
  std::uint32_t interest = EPOLLRDHUP;
  if (wire.reading && !wire.over_high_watermark) interest |= EPOLLIN;
  if (wire.blocked || wire.notify_when_flushed || wire.deferred) interest |= EPOLLOUT;
  return interest;
}

void update_interest(Outbox::Wire& wire) {
  const std::uint32_t interest = interest_of(wire);
  if (interest == wire.interest || wire.fd < 0) return;
  wire.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = wire.key;
  ::epoll_ctl(wire.epoll, EPOLL_CTL_MOD, wire.fd, &event);
}

std::size_t send_queue(Outbox::Wire& wire, ByteQueue& queue) {
  std::size_t sent = 0;
  wire.blocked = false;
  while (!queue.empty()) {
    const auto pending = queue.pending();
    const ssize_t n = ::send(wire.fd, pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      queue.pop(static_cast<std::size_t>(n));
      sent += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wire.blocked = true;
    } else {
      // The owner gets the same error by reading.
      wire.broken = true;
      queue.clear();
    }
    break;
  }
  return sent;
}

}  // namespace

ReadResult Transport::read_plain(std::span<char> into) const noexcept {
  ReadResult result = receive(fd(), into, 0);
  result.received = result.count;
  result.has_filled = result.count == into.size();
  return result;
}

ReadResult Transport::read_tls(Outbox& outbox, std::span<char> into) const {
  return outbox.tls()->read(fd(), outbox, into);
}

bool Transport::has_pending(const Outbox& outbox) const noexcept {
  const TlsTransport* const tls = this->tls(outbox);
  return tls != nullptr && tls->has_pending();
}

std::size_t Transport::least_room() const noexcept {
  return is_tls_ ? TlsTransport::least_room() : 0;
}

std::size_t Transport::held_bytes(const Outbox& outbox) const noexcept {
  const TlsTransport* const tls = this->tls(outbox);
  return tls != nullptr ? tls->held_bytes() : 0;
}

std::size_t Transport::tls_bytes(Outbox& outbox) const {
  const TlsTransport* const tls = this->tls(outbox);
  if (tls == nullptr) return 0;
  return tls->openssl_bytes() + outbox.with_wire([tls](const Outbox::Wire&, const ByteQueue&) {
    return tls->unsent_bytes();
  });
}

ReadResult Transport::peek(std::span<char> into) const noexcept {
  return receive(fd(), into, MSG_PEEK);
}

void Transport::skip(std::size_t count, std::span<char> scratch) const noexcept {
  receive(fd(), scratch.first(count), 0);
}

int Transport::error() const noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

bool watch(Outbox& outbox, std::uint64_t key) {
  return outbox.with_wire([key](Outbox::Wire& wire, const ByteQueue&) {
    wire.key = key;
    wire.interest = interest_of(wire);
    epoll_event event{};
    event.events = wire.interest;
    event.data.u64 = key;
    return ::epoll_ctl(wire.epoll, EPOLL_CTL_ADD, wire.fd, &event) == 0;
  });
}

std::size_t flush(Outbox& outbox, int own_epoll) {
  return outbox.flush_with([own_epoll](Outbox::Wire& wire, ByteQueue& queue) {
    if (wire.fd < 0 || wire.broken) {
      queue.clear();
      return std::size_t{0};
    }
    if (wire.writer == Outbox::Writer::owner && wire.epoll != own_epoll) {
      wire.deferred = !queue.empty();
      update_interest(wire);
      return std::size_t{0};
    }
    wire.deferred = false;
    const std::size_t sent =
        wire.tls == nullptr ? send_queue(wire, queue) : wire.tls->send(wire, queue);
    wire.bytes_sent += sent;
    update_backpressure(wire, queue);
    update_interest(wire);
    return sent;
  });
}

std::size_t flush_all(session::DirtyList& dirty, int own_epoll) {
  std::size_t sent = 0;
  for (Outbox* outbox : dirty.outboxes) sent += flush(*outbox, own_epoll);
  dirty.outboxes.clear();
  dirty.bytes = 0;
  return sent;
}

void set_reading(Outbox& outbox, Reading reading) {
  outbox.with_wire([reading](Outbox::Wire& wire, const ByteQueue&) {
    wire.reading = reading == Reading::on;
    update_interest(wire);
  });
}

bool flushed_or_notify(Outbox& outbox) {
  return outbox.with_wire([](Outbox::Wire& wire, const ByteQueue& queue) {
    const bool has_unsent = wire.tls != nullptr && !wire.discarded && wire.tls->has_unsent();
    wire.notify_when_flushed = !wire.broken && (has_unsent || !queue.empty());
    update_interest(wire);
    return !wire.notify_when_flushed;
  });
}

std::optional<std::uint64_t> bytes_acked_while_queued(Outbox& outbox) {
  return outbox.with_wire(
      [](const Outbox::Wire& wire, const ByteQueue&) -> std::optional<std::uint64_t> {
        tcp_info info{};
        socklen_t size = sizeof info;
        if (::getsockopt(wire.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
        // The kernel buffers megabytes before a write would block.
        if (!wire.blocked && info.tcpi_notsent_bytes == 0) return std::nullopt;
        return info.tcpi_bytes_acked;
      });
}

void shut_down(Outbox& outbox) {
  outbox.with_wire([](Outbox::Wire& wire, const ByteQueue&) {
    if (wire.fd < 0) return;
    if (wire.tls != nullptr) wire.tls->end(wire);
    ::shutdown(wire.fd, SHUT_WR);
  });
}

void close(Outbox& outbox) {
  std::unique_ptr<TlsTransport> tls;
  outbox.close([&](Outbox::Wire& wire) {
    tls.reset(wire.tls);
    if (wire.fd < 0) return;
    if (tls != nullptr) tls->end(wire);
    ::close(wire.fd);
  });
}

}  // namespace crolang::net
