#pragma once
/// Takes connections off a listening socket, for one worker. All workers wait for the one socket,
/// and the kernel wakes one of them.
///
/// Threads: owning worker only. Errors: each is an errno.

#include <chrono>
#include <cstdint>

#include "client_address/policy.hpp"
#include "net/accepted_socket.hpp"

namespace crolang::net {

class Acceptor {
 public:
  /// `epoll` reports `listener` under `key` while it is watched. `clients` is that of `index`.
  Acceptor(int listener, ListenerIndex index, const client_address::Policy& clients, int epoll,
           std::uint64_t key) noexcept
      : listener_(listener), index_(index), clients_(clients), epoll_(epoll), key_(key) {}

  /// Returns 0, or the errno of epoll_ctl.
  int watch() noexcept;
  void unwatch() noexcept;

  struct Result {
    AcceptedSocket accepted;  ///< its socket is empty: there is none
    int error = 0;            ///< why there is none; 0: no connection is waiting
  };
  Result accept() noexcept;

 private:
  const int listener_;
  const ListenerIndex index_;
  const client_address::Policy& clients_;
  const int epoll_;
  const std::uint64_t key_;
};

/// Closes a connection that is not wanted by a TCP reset, which leaves nothing behind in the
/// kernel.
void reset(Descriptor socket) noexcept;

/// Logs that a connection could not be accepted, and what to do about it. Any thread.
void log_not_accepted(int error, std::chrono::steady_clock::time_point now);

}  // namespace crolang::net
