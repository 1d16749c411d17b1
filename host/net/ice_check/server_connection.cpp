#include "net/ice_check/server_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "net/ice_check/socket_address.hpp"

namespace crolang::net {
namespace {

using Kind = ice::Fault::Kind;

// The largest datagram.
constexpr std::size_t kBufferSize = 65536;

Kind kind_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return Kind::refused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case ENETDOWN:
    case EAFNOSUPPORT:
    case EINVAL:  // a link-local address
    case EACCES:
    case EPERM:
      return Kind::no_route;
    case ETIMEDOUT:
      return Kind::timed_out;
    case ECONNRESET:
    case EPIPE:
      return Kind::closed;
    default:  // no enum: the system's numbers
      return Kind::system;
  }
}

}  // namespace

bool ServerConnection::open(const stun::TransportAddress& address, Clock::time_point until) {
  const SocketAddress server = socket_address(address);
  const int type = way_ == ice::Way::udp ? SOCK_DGRAM : SOCK_STREAM;
  socket_ = Descriptor(::socket(server.bytes.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket_.get() < 0) return fail(errno);
  if (::connect(socket_.get(), server.get(), server.size) != 0) {
    if (errno != EINPROGRESS) return fail(errno);
    if (!ready_or_fail(wait_for(POLLOUT, until))) return false;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(error);
  }
  is_connected_ = way_ != ice::Way::udp;
  return way_ != ice::Way::tls || start_tls(until);
}

bool ServerConnection::start_tls(Clock::time_point until) {
  tls_.emplace(socket_.get(), host_);
  for (;;) {
    const TlsClient::Step step = tls_->handshake();
    if (step == TlsClient::Step::done) return true;
    if (!ready_or_fail(wait_after(step, until))) return false;
  }
}

bool ServerConnection::send(stun::ByteView message, Clock::time_point until) {
  while (!message.empty()) {
    std::size_t written = 0;
    if (tls_) {
      const TlsClient::Step step = tls_->write(message, written);
      if (step != TlsClient::Step::done) {
        if (!ready_or_fail(wait_after(step, until))) return false;
        continue;
      }
    } else {
      const ssize_t n = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
      if (n < 0) {
        const int error = errno;
        if (error == EINTR) continue;
        if (error != EAGAIN) return fail(error);
        if (!ready_or_fail(wait_for(POLLOUT, until))) return false;
        continue;
      }
      written = static_cast<std::size_t>(n);
    }
    message = message.subspan(written);
  }
  return true;
}

ServerConnection::Received ServerConnection::receive(stun::Bytes& message,
                                                     Clock::time_point until) {
  if (way_ == ice::Way::udp) return receive_datagram(message, until);
  // A server that never pauses must not hold this up.
  while (Clock::now() < until) {
    switch (stream_.take(message)) {
      case stun::StreamReader::Next::message:
        return Received::message;
      case stun::StreamReader::Next::not_stun:
        fault_ = not_stun();
        return Received::fault;
      case stun::StreamReader::Next::incomplete:
        break;
    }
    switch (read_some(until)) {
      case Waited::ready:
        break;
      case Waited::time_is_over:
        return Received::nothing;
      case Waited::failed:
        return Received::fault;
    }
  }
  return Received::nothing;
}

ServerConnection::Received ServerConnection::receive_datagram(stun::Bytes& message,
                                                              Clock::time_point until) {
  message.resize(kBufferSize);
  while (Clock::now() < until) {
    const ssize_t n = ::recv(socket_.get(), message.data(), message.size(), 0);
    if (n >= 0) {
      message.resize(static_cast<std::size_t>(n));
      return Received::message;
    }
    const int error = errno;
    if (error != EINTR && error != EAGAIN) {
      fail(error);
      return Received::fault;
    }
    switch (wait_for(POLLIN, until)) {
      case Waited::ready:
        break;
      case Waited::time_is_over:
        return Received::nothing;
      case Waited::failed:
        return Received::fault;
    }
  }
  return Received::nothing;
}

ServerConnection::Waited ServerConnection::read_some(Clock::time_point until) {
  std::array<std::uint8_t, 4096> buffer;
  std::size_t size = 0;
  if (tls_) {
    const TlsClient::Step step = tls_->read(buffer, size);
    if (step != TlsClient::Step::done) return wait_after(step, until);
  } else {
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0) {
      const int error = errno;
      if (error == EINTR) return Waited::ready;
      if (error == EAGAIN) return wait_for(POLLIN, until);
      fail(error);
      return Waited::failed;
    }
    if (n == 0) {
      fail({Kind::closed});
      return Waited::failed;
    }
    size = static_cast<std::size_t>(n);
  }
  stream_.append({buffer.data(), size});
  return Waited::ready;
}

ServerConnection::Waited ServerConnection::wait_after(TlsClient::Step step,
                                                      Clock::time_point until) {
  switch (step) {
    case TlsClient::Step::wants_read:
      return wait_for(POLLIN, until);
    case TlsClient::Step::wants_write:
      return wait_for(POLLOUT, until);
    case TlsClient::Step::ended:
      fail({Kind::closed});
      return Waited::failed;
    case TlsClient::Step::failed:
      fail(tls_->fault());
      return Waited::failed;
    case TlsClient::Step::done:
      break;
  }
  return Waited::ready;
}

ServerConnection::Waited ServerConnection::wait_for(short events, Clock::time_point until) {
  // poll skips a negative descriptor.
  std::array<pollfd, 2> waiting{{{socket_.get(), events, 0}, {stop_, POLLIN, 0}}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return Waited::time_is_over;
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
    was_stopped_ = ready > 0 && waiting[1].revents != 0;
    if (was_stopped_) return Waited::time_is_over;
    if (ready > 0) return Waited::ready;
    if (ready < 0 && errno != EINTR) {
      fail(errno);
      return Waited::failed;
    }
  }
}

bool ServerConnection::ready_or_fail(Waited waited) {
  switch (waited) {
    case Waited::ready:
      return true;
    case Waited::time_is_over:
      return fail({Kind::timed_out});
    case Waited::failed:
      break;
  }
  return false;
}

bool ServerConnection::fail(ice::Fault fault) {
  fault_ = std::move(fault);
  return false;
}

bool ServerConnection::fail(int error) {
  return fail({kind_of(error), std::strerror(error)});
}

ice::Fault ServerConnection::not_stun() const {
  using Speaks = ice::Fault::Speaks;
  const stun::ByteView bytes = stream_.waiting();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ice::Fault fault{Kind::not_stun};
  // An alert, or a handshake, of TLS 1.x.
  if (text.starts_with("\x15\x03") || text.starts_with("\x16\x03")) fault.speaks = Speaks::tls;
  if (text.starts_with("HTTP/")) fault.speaks = Speaks::http;
  if (text.starts_with("SSH-")) fault.speaks = Speaks::ssh;
  return fault;
}

}  // namespace crolang::net
