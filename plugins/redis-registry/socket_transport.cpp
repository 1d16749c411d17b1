#include "redis-registry/socket_transport.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace crolang::redis_registry {

using Status = Transport::Status;

Socket Socket::to_tcp(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  // Neither makes a DNS query, so it does not block.
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return {-1, EADDRNOTAVAIL};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Socket socket = connecting(found->ai_family, found->ai_addr, found->ai_addrlen);
  // Small commands are sent at once.
  const int on = 1;
  ::setsockopt(socket.descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

Socket Socket::to_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {-1, ENAMETOOLONG};
  std::memcpy(address.sun_path, path.data(), path.size());
  return connecting(AF_UNIX, &address, sizeof address);
}

Socket Socket::connecting(int family, const void* address, std::size_t size) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 0);
  if (socket.descriptor_ < 0) {
    socket.error_ = errno;
  } else if (::connect(socket.descriptor_, static_cast<const sockaddr*>(address),
                       static_cast<socklen_t>(size)) == 0) {
    socket.connected_ = true;
  } else if (errno != EINPROGRESS) {
    socket.error_ = errno;
  }
  return socket;
}

Socket::Socket(int connected) : descriptor_(connected), connected_(true) {
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

Socket::Socket(Socket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      error_(other.error_),
      connected_(other.connected_) {}

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status Socket::connect() {
  if (error_ != 0) return Status::failed;
  if (connected_) return Status::done;
  // Writable means that the attempt has succeeded or failed.
  pollfd entry{descriptor_, POLLOUT, 0};
  if (::poll(&entry, 1, 0) <= 0) return Status::wants_write;
  socklen_t size = sizeof error_;
  if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error_, &size) != 0) error_ = errno;
  if (error_ != 0) return Status::failed;
  connected_ = true;
  return Status::done;
}

Transport::Moved Socket::moved(std::ptrdiff_t bytes, Status when_blocked) {
  if (bytes > 0) return {Status::done, static_cast<std::size_t>(bytes)};
  if (bytes == 0) return {Status::ended};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {when_blocked};
  error_ = errno;
  return {Status::failed};
}

Transport::Moved Socket::read(std::span<char> into) {
  return moved(::recv(descriptor_, into.data(), into.size(), 0), Status::wants_read);
}

Transport::Moved Socket::write(std::string_view bytes) {
  return moved(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL), Status::wants_write);
}

void Socket::abort() const {
  const linger reset{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

std::string SocketTransport::fault() const {
  return std::generic_category().message(socket_.error());
}

}  // namespace crolang::redis_registry
