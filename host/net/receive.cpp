#include "net/receive.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace crolang::net {

ReadResult receive(int fd, std::span<char> into, int flags) noexcept {
  ssize_t n = 0;
  do {
    n = ::recv(fd, into.data(), into.size(), flags);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return {ReadResult::Kind::bytes, static_cast<std::size_t>(n)};
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {ReadResult::Kind::nothing};
  return {.kind = ReadResult::Kind::ended, .error = n == 0 ? 0 : errno};
}

}  // namespace crolang::net
