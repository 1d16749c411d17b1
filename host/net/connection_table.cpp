#include "net/connection_table.hpp"

#include <new>
#include <utility>

namespace crolang::net {
namespace {

constexpr std::size_t kFewest = 64;

}  // namespace

ConnectionTable::~ConnectionTable() {
  for_each([](const DrivenConnection& driven) { close(driven.connection.outbox()); });
  reclaim();
}

DrivenConnection* ConnectionTable::open(AcceptedSocket accepted, std::unique_ptr<TlsTransport> tls,
                                        TimePoint request_by) {
  if (free_slots_.empty()) {
    if (connections_.size() == session::OutboxTable::kMaxSlots) return nullptr;
    // Ending a connection must not need memory, so it is reserved here.
    if (connections_.size() == connections_.capacity()) {
      const std::size_t capacity = 2 * connections_.size() + kFewest;
      free_slots_.reserve(capacity);
      connections_.reserve(capacity);
    }
    connections_.emplace_back();
    free_slots_.push_back(static_cast<std::uint32_t>(connections_.size() - 1));
  }
  const std::uint32_t slot = free_slots_.back();
  session::Outbox& outbox = outboxes_.ensure(slot);
  session::Outbox::Wire wire;
  wire.fd = accepted.socket.release();
  wire.epoll = epoll_;
  wire.max_backlog = kMaxQueuedResponseBytes;
  const Transport transport(wire.fd, tls ? Transport::Security::tls : Transport::Security::plain);
  // Until its handshake is done.
  if (tls) wire.writer = session::Outbox::Writer::owner;
  wire.tls = tls.release();
  const session::SessionHandle handle{slot, outbox.open(wire), worker_};
  try {
    connections_[slot] = std::make_unique<DrivenConnection>(
        handle, outbox, transport, Connection::Origin{accepted.peer, accepted.begins_with},
        request_by);
  } catch (const std::bad_alloc&) {
    close(outbox);
    throw;
  }
  connections_[slot]->listener = accepted.listener;
  free_slots_.pop_back();
  return connections_[slot].get();
}

void ConnectionTable::remove(DrivenConnection& connection) noexcept {
  const std::uint32_t slot = connection.connection.handle().slot;
  connection.removed = true;
  connection.next = std::exchange(removed_, connections_[slot].release());
  free_slots_.push_back(slot);
}

void ConnectionTable::reclaim_removed() noexcept {
  while (removed_ != nullptr) {
    const std::unique_ptr<DrivenConnection> reclaimed(removed_);
    removed_ = static_cast<DrivenConnection*>(reclaimed->next);
  }
}

}  // namespace crolang::net
