#include "net/acceptor.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/peer_address.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

int Acceptor::watch() noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.u64 = key_;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) == 0 ? 0 : errno;
}

void Acceptor::unwatch() noexcept {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
}

Acceptor::Result Acceptor::accept() noexcept {
  for (;;) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const PeerAddress peer = peer_address(address);
      return {AcceptedSocket{Descriptor(fd), peer, begins_with(clients_, peer), index_}};
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    const bool queue_is_empty = errno == EAGAIN || errno == EWOULDBLOCK;
    return {AcceptedSocket{Descriptor(), {}}, queue_is_empty ? 0 : errno};
  }
}

void reset(Descriptor socket) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void log_not_accepted(int error, std::chrono::steady_clock::time_point now) {
  static telemetry::Throttle throttle{1};
  const auto suppressed = throttle.admit(now);
  if (!suppressed) return;
  const bool lacks_files = error == EMFILE || error == ENFILE;
  telemetry::log::error(lacks_files
                            ? "a connection could not be accepted: raise the limit of open files "
                              "(ulimit -n, LimitNOFILE, --ulimit nofile)"
                            : "a connection could not be accepted",
                        {{"why", std::strerror(error)}, {"suppressed", *suppressed}});
}

}  // namespace crolang::net
