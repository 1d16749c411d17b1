#include "net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace crolang::net {
namespace {

constexpr int kBacklog = 4096;

std::string describe(const std::string& address, std::uint16_t port, std::string_view variable,
                     std::string_view address_variable, int error) {
  const std::string where =
      (address.empty() ? std::string("port ") : address + " port ") + std::to_string(port);
  switch (error) {
    case EADDRINUSE:
      return where + " is already in use: stop the other program, or choose another port with " +
             std::string(variable);
    case EACCES:
      return where + " may not be used by this user: choose a " + std::string(variable) +
             " above 1023, or grant the capability CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
      return where + " cannot be used: " + std::string(address_variable) +
             " is not an address of this machine";
    default:  // no enum: errno
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
  // TCP_NODELAY is inherited by every accepted socket: small messages are sent at once.
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

std::variant<Descriptor, ListenFault> listen_on(const std::string& address, std::uint16_t port,
                                                std::string_view variable,
                                                std::string_view address_variable) {
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
    return ListenFault{std::string(address_variable) + "=" + address +
                       " is not an IPv4 or IPv6 address"};
  }
  if (fd < 0) return ListenFault{describe(address, port, variable, address_variable, errno)};
  return Descriptor(fd);
}

}  // namespace crolang::net
