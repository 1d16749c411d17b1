#pragma once
/// The connections of one worker by slot, each with its socket and its timeout. A slot is reused
/// under another generation once its connection has ended. An ended connection stays in memory
/// until `reclaim`, since functions on the call stack may still use it.
///
/// Threads: owning worker only. Errors: std::bad_alloc from `open`, with nothing changed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/accepted_socket.hpp"
#include "net/connection.hpp"
#include "net/timer_wheel.hpp"
#include "net/tls_transport.hpp"
#include "net/transport.hpp"
#include "session/handle.hpp"
#include "session/outbox.hpp"

namespace crolang::net {

/// The key that epoll returns with an event of this connection.
inline std::uint64_t key_of(session::SessionHandle handle) noexcept {
  return std::uint64_t{handle.slot} << 32 | handle.generation;
}

/// A connection with its transport, its timer and the driver's state.
struct DrivenConnection : TimerNode {
  DrivenConnection(session::SessionHandle handle, session::Outbox& outbox, Transport its_transport,
                   const Connection::Origin& origin, TimePoint request_by)
      : transport(its_transport), connection(handle, outbox, origin, request_by) {}

  Transport transport;
  [[no_unique_address]] Connection connection;  // the next members use its padding
  bool is_node : 1 = false;                     // it is counted in the worker's nodes
  bool reads : 1 = true;                        // reading is on, as set in its outbox
  bool flushing : 1 = false;  // it is in the driver's list of flushing connections
  bool removed : 1 = false;
  bool is_limited : 1 = false;   // the address that it came from was limited
  bool counted : 1 = false;      // as a connection of its client's address
  bool in_handshake : 1 = true;  // it is counted in the worker's handshakes
  ListenerIndex listener : 1 = ListenerIndex::nodes;
  std::uint32_t accounted = 0;  // its share of the worker's inbound_bytes
};

// Most connections are idle nodes.
static_assert(sizeof(DrivenConnection) <= 288);

class ConnectionTable {
 public:
  /// `outboxes` are those of the worker with this index, whose epoll this is.
  ConnectionTable(session::OutboxTable& outboxes, std::uint16_t worker, int epoll)
      : outboxes_(outboxes), worker_(worker), epoll_(epoll) {}
  /// Closes the sockets of those that have not ended.
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  /// Nothing is read from it before it is watched. nullptr: there is no slot left.
  /// `tls` is null for a plain one.
  DrivenConnection* open(AcceptedSocket accepted, std::unique_ptr<TlsTransport> tls,
                         TimePoint request_by);
  /// nullptr: it has ended.
  DrivenConnection* find(session::SessionHandle handle) const noexcept {
    if (handle.slot >= connections_.size()) return nullptr;
    DrivenConnection* const found = connections_[handle.slot].get();
    return found != nullptr && found->connection.handle() == handle ? found : nullptr;
  }
  /// By the key that epoll returns. The slot must have been used.
  DrivenConnection* find(std::uint64_t key) const noexcept {
    DrivenConnection* const found = connections_[static_cast<std::uint32_t>(key >> 32)].get();
    return found != nullptr && key_of(found->connection.handle()) == key ? found : nullptr;
  }
  /// As find; the handle must not be stale.
  DrivenConnection& at(session::SessionHandle handle) const noexcept {
    return *connections_[handle.slot];
  }
  /// Frees its slot. Its socket must have been closed.
  void remove(DrivenConnection& connection) noexcept;
  /// Destroys the removed connections.
  void reclaim() noexcept {
    if (removed_ != nullptr) reclaim_removed();
  }

  template <class Use>
  void for_each(Use&& use) const {
    for (const auto& connection : connections_) {
      if (connection) use(*connection);
    }
  }

  /// Those in `count` slots, from `first` on. Returns the slot that follows them.
  template <class Use>
  std::uint32_t visit(std::uint32_t first, std::uint32_t count, Use&& use) const {
    const auto slots = static_cast<std::uint32_t>(connections_.size());
    const std::uint32_t end = first >= slots ? slots : first + std::min(count, slots - first);
    for (std::uint32_t slot = first; slot < end; ++slot) {
      if (connections_[slot]) use(*connections_[slot]);
    }
    return end;
  }
  std::uint32_t slots() const noexcept { return static_cast<std::uint32_t>(connections_.size()); }

 private:
  void reclaim_removed() noexcept;

  session::OutboxTable& outboxes_;
  const std::uint16_t worker_;
  const int epoll_;
  std::vector<std::unique_ptr<DrivenConnection>> connections_;  // by slot
  std::vector<std::uint32_t> free_slots_;
  DrivenConnection* removed_ = nullptr;  // owned until reclaim; linked by `next`
};

}  // namespace crolang::net
