#pragma once
/// A descriptor that one thread polls and others make readable (eventfd(2)), and the check of
/// system calls that create such things. Threads: signal, any; the rest, the one that polls.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "net/descriptor.hpp"

namespace crolang::net {

/// Throws std::system_error if the system call has failed.
inline int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

/// Resets the counter of an eventfd or timerfd.
inline void reset_counter(int fd) noexcept {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t n = ::read(fd, &ignored, sizeof ignored);
}

class EventDescriptor {
 public:
  /// Throws std::system_error if the system has no descriptor left.
  EventDescriptor() : fd_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

  int get() const noexcept { return fd_.get(); }
  void signal() const noexcept {
    const std::uint64_t one = 1;
    // Fails only if the counter is full, and then it is readable.
    [[maybe_unused]] const ssize_t n = ::write(fd_.get(), &one, sizeof one);
  }
  void reset() const noexcept { reset_counter(fd_.get()); }

 private:
  Descriptor fd_;
};

}  // namespace crolang::net
