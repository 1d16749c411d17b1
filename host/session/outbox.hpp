#pragma once
/// The outgoing side of one connection, the only part of it that several threads share.
///
/// A session belongs to one worker, which reads from it and keeps its timers, but a message for it
/// is written by the worker of its sender: under the outbox's own lock, into its queue, and at the
/// end of that worker's loop iteration into its socket. So a relayed message wakes no other thread,
/// and the sender's acknowledgement is exact: taken, full, or gone.
///
/// Threads: every function that takes the lock says so by taking a generation or a Lock; the lock
/// is per connection and is never held while anything else is called, except the system calls on
/// the connection's own socket.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

#include "session/byte_queue.hpp"
#include "session/handle.hpp"

namespace crolang::net {
class TlsTransport;
}

namespace crolang::session {

enum class Pushed : std::uint8_t {
  taken,  ///< the bytes are in the queue
  full,   ///< they would exceed the limit, or there is no memory for them: nothing was written
  gone,   ///< the session has ended, or its node has left
};

class Outbox;

/// The outboxes that a thread has written to since it last flushed.
struct DirtyList {
  std::vector<Outbox*> outboxes;
  std::size_t bytes = 0;

  /// Reserves space for one more, so that adding it cannot fail. Throws std::bad_alloc.
  void make_room() {
    if (outboxes.size() == outboxes.capacity()) outboxes.reserve(outboxes.size() * 2 + 16);
  }
};

class Outbox {
 public:
  /// The threads that may write to the socket.
  enum class Writer : std::uint8_t {
    any_thread,
    owner,  ///< others leave the bytes to the owning worker
  };

  /// What only the transport (net/transport.hpp) and the owning worker use, under the lock.
  struct Wire {
    int fd = -1;
    int epoll = -1;
    std::uint64_t key = 0;  ///< the key that epoll returns with an event
    /// The high watermark of the queue: above it reading from the connection pauses, and it resumes
    /// at half of it.
    std::size_t max_backlog = 0;
    /// nullptr: plain TCP. Set before the outbox is opened, and deleted by net::close.
    net::TlsTransport* tls = nullptr;
    std::uint32_t interest = 0;            ///< epoll events asked for
    bool reading : 1 = true;               ///< as set by the owner
    bool over_high_watermark : 1 = false;  ///< reading is paused (backpressure)
    /// The socket's buffer is full; EPOLLOUT reports when it takes more.
    bool blocked : 1 = false;
    bool broken : 1 = false;  ///< the socket is dead; the owner finds out by reading
    /// The owner wants to know when all is sent, whichever thread has sent the last byte.
    bool notify_when_flushed : 1 = false;
    bool deferred : 1 = false;   ///< another thread has left the flush to the owner
    bool discarded : 1 = false;  ///< nobody waits for what was not sent any more
    Writer writer = Writer::any_thread;
    std::uint64_t bytes_sent = 0;  ///< that the socket has taken so far
  };

  /// Owning worker: the session's node has joined, so that others may push.
  void join(std::uint32_t generation) {
    const std::lock_guard lock(mutex_);
    joined_ = generation_ == generation;
  }

  /// Owning worker: the node has left, though the connection stays. Whoever found it in the
  /// directory before that finds it gone.
  void leave() {
    const std::lock_guard lock(mutex_);
    joined_ = false;
  }

  /// Appends `bytes` bytes that `fill(char*)` writes, if the node has joined. `limit` bounds what
  /// may be waiting. Any thread that owns `dirty`.
  template <class Fill>
  Pushed push(std::uint32_t generation, std::size_t bytes, std::size_t limit, DirtyList& dirty,
              Fill&& fill) {
    const std::lock_guard lock(mutex_);
    if (!joined_ || !accepts(generation)) return Pushed::gone;
    if (bytes > limit || queue_.size() > limit - bytes) return Pushed::full;
    try {
      append(bytes, dirty, static_cast<Fill&&>(fill));
    } catch (const std::bad_alloc&) {
      return Pushed::full;
    }
    ++messages_;
    return Pushed::taken;
  }

  /// As push without a limit, for the session's own answers and control frames. They are bounded by
  /// the flushing code, which stops reading from a connection that is too far behind. Throws
  /// std::bad_alloc, since none of these may be left out.
  template <class Fill>
  void push_own(std::uint32_t generation, std::size_t bytes, DirtyList& dirty, Fill&& fill) {
    const std::lock_guard lock(mutex_);
    if (accepts(generation)) append(bytes, dirty, static_cast<Fill&&>(fill));
  }

  /// Owning worker: issues the only receipt that this outbox accepts, until it is revoked or
  /// another one is issued. Returns its number.
  std::uint32_t issue_receipt() {
    const std::lock_guard lock(mutex_);
    if (++last_receipt_ == 0) ++last_receipt_;
    receipt_ = last_receipt_;
    return receipt_;
  }

  /// Owning worker: the receipt is no longer accepted; it may have been redeemed already.
  void revoke_receipt() {
    const std::lock_guard lock(mutex_);
    receipt_ = 0;
  }

  /// Any thread that owns `dirty`: appends the bytes of a receipt, perhaps none, if it is still
  /// accepted.
  bool redeem(std::uint32_t generation, std::uint32_t receipt, std::string_view bytes,
              DirtyList& dirty) {
    const std::lock_guard lock(mutex_);
    if (receipt_ != receipt || !accepts(generation)) return false;
    receipt_ = 0;
    if (!bytes.empty()) {
      append(bytes.size(), dirty, [&](char* out) { std::memcpy(out, bytes.data(), bytes.size()); });
    }
    return true;
  }

  /// No more bytes are accepted; what is queued is still sent. Owning worker.
  void shut(std::uint32_t generation) {
    const std::lock_guard lock(mutex_);
    if (generation_ == generation) shut_ = true;
  }

  /// Owning worker: discards the queued bytes.
  void discard() {
    const std::lock_guard lock(mutex_);
    queue_.clear();
    wire_.discarded = true;
  }

  /// Owning worker, which alone changes it: without the lock.
  net::TlsTransport* tls() const noexcept { return wire_.tls; }

  /// What has gone through it since its connection was opened. Any thread.
  struct Totals {
    std::uint64_t messages = 0;    ///< of other nodes
    std::uint64_t bytes_sent = 0;  ///< that the socket has taken
    std::size_t waiting = 0;       ///< queued bytes
  };
  Totals totals() const {
    const std::lock_guard lock(mutex_);
    return {messages_, wire_.bytes_sent, queue_.size()};
  }

  /// Queued bytes. Any thread.
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

  /// Runs `use(Wire&, ByteQueue&)` under the lock. `use` must not call out.
  template <class Use>
  auto with_wire(Use&& use) {
    const std::lock_guard lock(mutex_);
    return use(wire_, queue_);
  }

  /// Flushing code: as with_wire, and the outbox leaves the caller's dirty list.
  template <class Use>
  auto flush_with(Use&& use) {
    const std::lock_guard lock(mutex_);
    dirty_ = false;
    return use(wire_, queue_);
  }

  /// Owning worker: opens the outbox for a new connection. Returns its generation.
  std::uint32_t open(const Wire& wire) {
    const std::lock_guard lock(mutex_);
    if (++last_generation_ == 0) ++last_generation_;
    generation_ = last_generation_;
    wire_ = wire;
    messages_ = 0;
    shut_ = false;
    joined_ = false;
    receipt_ = 0;
    return generation_;
  }

  /// Owning worker: the connection has ended; every handle to it is stale from now on. The caller
  /// closes the socket inside `use`, so that no other thread can write to a reused descriptor.
  template <class Use>
  void close(Use&& use) {
    const std::lock_guard lock(mutex_);
    generation_ = 0;
    shut_ = true;
    queue_.clear();
    use(wire_);
    wire_ = Wire{};
  }

 private:
  bool accepts(std::uint32_t generation) const noexcept {
    return generation_ == generation && !shut_ && !wire_.broken;
  }

  template <class Fill>
  void append(std::size_t bytes, DirtyList& dirty, Fill&& fill) {
    // First, since an outbox with queued bytes must be in the list.
    dirty.make_room();
    fill(queue_.extend(bytes));
    // A blocked socket is not flushed, unless reading from it has to stop.
    const bool to_flush =
        !wire_.blocked || (queue_.size() > wire_.max_backlog && !wire_.over_high_watermark);
    if (!dirty_ && to_flush) {
      dirty_ = true;
      dirty.outboxes.push_back(this);
    }
    dirty.bytes += bytes;
  }

  mutable std::mutex mutex_;  // guards everything below
  ByteQueue queue_;
  Wire wire_;
  std::uint64_t messages_ = 0;  // that others have pushed
  std::uint32_t generation_ = 0;
  std::uint32_t last_generation_ = 0;
  std::uint32_t receipt_ = 0;  // 0: none is accepted
  std::uint32_t last_receipt_ = 0;
  bool dirty_ = false;   // in some thread's dirty list
  bool joined_ = false;  // others may push
  bool shut_ = true;     // no bytes are accepted: there is no connection, or it is closing
};

/// The outboxes of one worker, by slot. They never move and are never freed before the host ends,
/// so any thread may look one up; `at` is lock-free.
class OutboxTable {
 public:
  OutboxTable() : chunks_(kMaxChunks) {}
  OutboxTable(const OutboxTable&) = delete;
  OutboxTable& operator=(const OutboxTable&) = delete;
  ~OutboxTable() {
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
  }

  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::uint32_t kMaxChunks = 8192;
  static constexpr std::uint32_t kMaxSlots = kChunk * kMaxChunks;
  static_assert(kMaxSlots <= 1u << SessionHandle::kSlotBits);

  /// nullptr: the slot was never used.
  Outbox* at(std::uint32_t slot) const noexcept {
    if (slot >= kMaxSlots) return nullptr;
    Outbox* chunk = chunks_[slot / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[slot % kChunk];
  }

  /// Queued bytes in all of them. Any thread; takes each lock once, so not for the hot path.
  std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& chunk : chunks_) {
      const Outbox* outboxes = chunk.load(std::memory_order_acquire);
      if (outboxes == nullptr) break;
      for (std::uint32_t i = 0; i < kChunk; ++i) sum += outboxes[i].waiting();
    }
    return sum;
  }

  /// Owning worker only.
  Outbox& ensure(std::uint32_t slot) {
    std::atomic<Outbox*>& chunk = chunks_[slot / kChunk];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
      chunk.store(new Outbox[kChunk], std::memory_order_release);
    }
    return *at(slot);
  }

 private:
  std::vector<std::atomic<Outbox*>> chunks_;
};

/// All workers' outboxes, found by handle.
class OutboxTables {
 public:
  explicit OutboxTables(std::size_t workers) : tables_(workers) {}

  OutboxTable& table(std::uint16_t worker) { return tables_[worker]; }
  Outbox* find(SessionHandle handle) const noexcept {
    return handle.worker < tables_.size() ? tables_[handle.worker].at(handle.slot) : nullptr;
  }

 private:
  std::vector<OutboxTable> tables_;
};

}  // namespace crolang::session
