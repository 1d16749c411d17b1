#pragma once
/// Moves the bytes of one connection to and from its socket.
///
/// Only the owning worker reads, shuts down and closes; any worker may write. The one that has put
/// bytes into an outbox flushes it at the end of its loop iteration, under that outbox's lock, so
/// that a relayed message wakes no other thread. A transport that allows this has
/// Writer::any_thread in its Wire; plain TCP and TLS 1.3 do. One that needs state of its owner to
/// write has Writer::owner, as a TLS handshake and TLS 1.2 do: a flush by any other thread then
/// leaves the bytes in the queue and asks the owner's epoll for EPOLLOUT, so that the owner wakes
/// up and flushes. That needs no memory and cannot fail, and the flush of a plain connection pays
/// one comparison for it.
///
/// Threads: each function says so. Errors: a dead socket and broken TLS are reported by `read`;
/// what cannot be sent is discarded. Functions of the owner throw std::bad_alloc where it has TLS.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/descriptor.hpp"
#include "session/outbox.hpp"

namespace crolang::net {

class TlsTransport;

struct ReadResult {
  enum class Kind : std::uint8_t {
    bytes,
    nothing,  ///< none now: epoll reports the next
    ended,    ///< there will never be more
    failed,   ///< likewise, because of TLS: what the peer is to be told is queued or sent
  };
  Kind kind;
  std::size_t count = 0;     ///< of bytes; perhaps 0, perhaps with another kind
  std::size_t received = 0;  ///< what the socket has given for it
  std::size_t sent = 0;      ///< what it has taken for the protocol
  int error = 0;             ///< why it ended, an errno; 0: FIN or close_notify
  bool has_filled = false;   ///< all the room for it, so the socket may have more
};

/// The state that only the owning worker uses. Does not own the descriptor, which the Wire does.
class Transport {
 public:
  enum class Security : std::uint8_t { plain, tls };

  Transport(int fd, Security security) noexcept
      : fd_(static_cast<unsigned>(fd) & 0x7FFFFFFF), is_tls_(security == Security::tls) {}

  /// At least least_room() bytes can be read into `into`. `outbox`: of the same connection, as
  /// below.
  ReadResult read(session::Outbox& outbox, std::span<char> into) const {
    return is_tls_ ? read_tls(outbox, into) : read_plain(into);
  }
  /// The next bytes of the socket, whatever transport they are for, which stay there.
  ReadResult peek(std::span<char> into) const noexcept;
  /// Removes bytes from the socket that peek has shown. `count`: at most `scratch.size()`.
  void skip(std::size_t count, std::span<char> scratch) const noexcept;
  /// True if bytes were taken from the socket but not read yet, which epoll does not report: read
  /// again before waiting. Plain TCP never has any.
  bool has_pending(const session::Outbox& outbox) const noexcept;
  std::size_t least_room() const noexcept;
  /// Memory held for what is not read yet, in bytes.
  std::size_t held_bytes(const session::Outbox& outbox) const noexcept;
  /// Memory held for TLS besides, in bytes: OpenSSL's object, and what the socket has not taken.
  std::size_t tls_bytes(session::Outbox& outbox) const;
  /// The pending error of the socket, an errno; 0: none.
  int error() const noexcept;
  /// nullptr: plain TCP, or the connection was closed.
  TlsTransport* tls(const session::Outbox& outbox) const noexcept {
    return is_tls_ ? outbox.tls() : nullptr;
  }

 private:
  ReadResult read_plain(std::span<char> into) const noexcept;
  ReadResult read_tls(session::Outbox& outbox, std::span<char> into) const;

  int fd() const noexcept { return static_cast<int>(fd_); }

  // Packed, since most connections are idle nodes.
  unsigned fd_ : 31;
  bool is_tls_ : 1;
};

/// Owning worker, once `outbox` has been opened: gives it the socket, and has epoll report it under
/// `key`. False: epoll_ctl failed; the outbox owns the socket nevertheless.
bool watch(session::Outbox& outbox, std::uint64_t key);

/// Sends what is queued. What the socket does not take stays queued, and the owner's epoll reports
/// when it takes more. Backpressure: above max_backlog, the high watermark of its queue, a
/// connection is not read from until half of that is left. `own_epoll` is that of the calling
/// worker, kNoEpoll for any other thread. Returns the bytes sent.
inline constexpr int kNoEpoll = -1;
std::size_t flush(session::Outbox& outbox, int own_epoll);

/// Flushes all that are in the list, and empties it. Returns the bytes sent.
std::size_t flush_all(session::DirtyList& dirty, int own_epoll);

/// Owning worker: turns reading on or off, on top of what flush decides.
enum class Reading : std::uint8_t { on, off };
void set_reading(session::Outbox& outbox, Reading reading);

/// Owning worker: true if nothing is left to send, or the socket is dead. Otherwise epoll wakes the
/// worker to flush and to ask again, since what is left may be in another thread's dirty list.
bool flushed_or_notify(session::Outbox& outbox);

/// Owning worker: how many bytes the peer's TCP has acknowledged, while any are still queued here
/// or in the kernel; otherwise nullopt.
std::optional<std::uint64_t> bytes_acked_while_queued(session::Outbox& outbox);

/// Owning worker, once all is flushed: ends TLS (close_notify) and shuts down the sending side
/// (SHUT_WR); the FIN follows the last byte.
void shut_down(session::Outbox& outbox);

/// Owning worker: closes the socket, and ends TLS if the socket takes that at once; every handle to
/// the outbox is stale from now on.
void close(session::Outbox& outbox);

}  // namespace crolang::net
