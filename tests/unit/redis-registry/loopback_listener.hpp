#pragma once
/// A port of its own that a test listens on. Threads: one. Errors: std::runtime_error.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "redis-registry/endpoint.hpp"

namespace crolang::redis_registry {

class LoopbackListener {
 public:
  /// `flags`: SOCK_NONBLOCK, or none.
  explicit LoopbackListener(int flags = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | flags, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(descriptor_, any, size) != 0 || ::listen(descriptor_, 16) != 0 ||
        ::getsockname(descriptor_, any, &size) != 0) {
      ::close(descriptor_);
      throw std::runtime_error("no port left");
    }
    place_.port = ntohs(address.sin_port);
  }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;
  ~LoopbackListener() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }
  const HostPort& place() const { return place_; }
  /// The next connection, with these flags; negative: none. The caller closes it.
  int accept(int flags = 0) const { return ::accept4(descriptor_, nullptr, nullptr, flags); }

 private:
  const int descriptor_;
  HostPort place_{"127.0.0.1", 0};
};

}  // namespace crolang::redis_registry
