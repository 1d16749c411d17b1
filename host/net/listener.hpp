#pragma once
/// The listening socket. Threads: bind on one; the descriptor is shared by all workers. Errors: a
/// sentence that says what to do.

#include <cstdint>
#include <string>
#include <variant>

namespace crolang::net {

struct ListenFault {
  std::string text;
};

/// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const noexcept { return fd_; }
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset() noexcept;

 private:
  int fd_;
};

/// `address` empty: `::` with IPv4 as well, or 0.0.0.0 on a machine without IPv6.
std::variant<Descriptor, ListenFault> listen_on(const std::string& address, std::uint16_t port);

struct FileLimit {
  std::uint64_t files = 0;        ///< what the process may have open
  std::uint64_t connections = 0;  ///< what that leaves for nodes
  std::uint64_t sockets = 0;      ///< and for connections of any kind, those too many included
};
/// Raises the soft limit to the hard one.
FileLimit raise_file_limit(std::uint64_t workers);

}  // namespace crolang::net
