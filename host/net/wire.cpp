#include "net/wire.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace crolang::net {

using session::ByteQueue;
using session::Outlet;

namespace {

void update_congestion(Outlet::Wire& wire, const ByteQueue& queue) {
  // Between the two marks it stays as it was.
  if (queue.size() > wire.max_backlog) {
    wire.congested = true;
  } else if (queue.size() <= wire.max_backlog / 2) {
    wire.congested = false;
  }
}

void update_interest(Outlet::Wire& wire) {
  std::uint32_t interest = EPOLLRDHUP;
  if (wire.reading && !wire.congested) interest |= EPOLLIN;
  if (wire.blocked || wire.awaited) interest |= EPOLLOUT;
  if (interest == wire.interest || wire.fd < 0) return;
  wire.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = wire.key;
  ::epoll_ctl(wire.epoll, EPOLL_CTL_MOD, wire.fd, &event);
}

}  // namespace

std::size_t flush(Outlet& outlet) {
  return outlet.flush_with([](Outlet::Wire& wire, ByteQueue& queue) {
    std::size_t sent = 0;
    if (wire.fd < 0 || wire.broken) {
      queue.clear();
      return sent;
    }
    wire.blocked = false;
    while (!queue.empty()) {
      const auto pending = queue.pending();
      const ssize_t n =
          ::send(wire.fd, pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) {
        queue.pop(static_cast<std::size_t>(n));
        sent += static_cast<std::size_t>(n);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        wire.blocked = true;
      } else {
        // The owner sees the same by reading.
        wire.broken = true;
        queue.clear();
      }
      break;
    }
    wire.moved += sent;
    update_congestion(wire, queue);
    update_interest(wire);
    return sent;
  });
}

void set_reading(Outlet& outlet, Reading reading) {
  outlet.with_wire([reading](Outlet::Wire& wire, ByteQueue&) {
    wire.reading = reading == Reading::on;
    update_interest(wire);
  });
}

bool drained_or_await(Outlet& outlet) {
  return outlet.with_wire([](Outlet::Wire& wire, const ByteQueue& queue) {
    wire.awaited = !wire.broken && !queue.empty();
    update_interest(wire);
    return !wire.awaited;
  });
}

std::optional<std::uint64_t> backlog_progress(Outlet& outlet) {
  return outlet.with_wire(
      [](const Outlet::Wire& wire, const ByteQueue&) -> std::optional<std::uint64_t> {
        tcp_info info{};
        socklen_t size = sizeof info;
        if (::getsockopt(wire.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
        // The kernel holds megabytes before it blocks us.
        if (!wire.blocked && info.tcpi_notsent_bytes == 0) return std::nullopt;
        return info.tcpi_bytes_acked;
      });
}

}  // namespace crolang::net
