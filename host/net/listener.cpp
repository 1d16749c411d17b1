#include "net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace crolang::net {
namespace {

// For the plugins' connections, files, and for answering "503" to nodes beyond the limit; strangers
// get no more than half of it.
constexpr std::uint64_t kFewestReserved = 64;
constexpr std::uint64_t kMostReserved = 512;
constexpr std::uint64_t kFilesPerWorker = 2;
constexpr int kBacklog = 4096;

std::string describe(const std::string& address, std::uint16_t port, int error) {
  const std::string where =
      (address.empty() ? std::string("port ") : address + " port ") + std::to_string(port);
  switch (error) {
    case EADDRINUSE:
      return where + " is already in use: stop the other program, or choose another port with PORT";
    case EACCES:
      return where +
             " may not be used by this user: choose a PORT above 1023, or grant the capability "
             "CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
      return where + " cannot be used: BIND_ADDRESS is no address of this machine";
    default:
      return where + " cannot be used: " + std::strerror(error);
  }
}

/// The descriptor, or -1 and errno.
int try_listen(int family, const sockaddr* address, socklen_t size) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Inherited by every accepted socket: a message is never held back for a fuller packet.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, address, size) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

int try_listen6(const in6_addr& host, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = host;
  address.sin6_port = htons(port);
  return try_listen(AF_INET6, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int try_listen4(in_addr host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = host;
  address.sin_port = htons(port);
  return try_listen(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  reset();
  fd_ = other.release();
  return *this;
}

Descriptor::~Descriptor() {
  reset();
}

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::variant<Descriptor, ListenFault> listen_on(const std::string& address, std::uint16_t port) {
  int fd = -1;
  in_addr v4{};
  in6_addr v6 = IN6ADDR_ANY_INIT;
  if (address.empty()) {
    fd = try_listen6(v6, port);
    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) fd = try_listen4(v4, port);
  } else if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    fd = try_listen4(v4, port);
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
    fd = try_listen6(v6, port);
  } else {
    return ListenFault{"BIND_ADDRESS=" + address + " is no IPv4 or IPv6 address"};
  }
  if (fd < 0) return ListenFault{describe(address, port, errno)};
  return Descriptor(fd);
}

FileLimit raise_file_limit(std::uint64_t workers) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  const std::uint64_t files = limit.rlim_cur;
  const auto without = [files](std::uint64_t kept) { return files > kept ? files - kept : 0; };
  const std::uint64_t own = kFilesPerWorker * workers;
  const std::uint64_t reserved = std::clamp(files / 8, kFewestReserved, kMostReserved);
  return {files, without(own + reserved), without(own + reserved / 2)};
}

}  // namespace crolang::net
