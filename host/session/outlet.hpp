#pragma once
/// The way out of one connection, and the only part of it that several threads share.
///
/// A session is read, timed and decided on by one worker for life, but a message for it is written
/// by the worker of its sender: under the outlet's own lock, into its queue, and at the end of that
/// worker's burst into its socket. So a relayed message wakes no other thread, and the sender's
/// acknowledgement is exact: taken, full, or gone.
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

namespace crolang::session {

enum class Pushed : std::uint8_t {
  taken,  ///< the bytes are in the queue
  full,   ///< they would exceed the limit, or there is no memory for them: nothing was written
  gone,   ///< the session has ended
};

class Outlet;

/// The outlets that a thread has written to since it last flushed.
struct DirtyList {
  std::vector<Outlet*> outlets;
  std::size_t bytes = 0;

  /// For one more, so that adding it cannot fail. Throws std::bad_alloc.
  void make_room() {
    if (outlets.size() == outlets.capacity()) outlets.reserve(outlets.size() * 2 + 16);
  }
};

class Outlet {
 public:
  /// What only the flushing code of net/ and the owning worker touch, under the lock.
  struct Wire {
    int fd = -1;
    int epoll = -1;
    std::uint64_t key = 0;       ///< what epoll gives back with an event
    std::uint32_t interest = 0;  ///< epoll events asked for
    std::size_t max_backlog =
        0;  ///< beyond it the connection is not read from until it has caught up by half
    bool reading = true;      ///< the owner wants to read
    bool congested = false;   ///< too far behind to be read from
    bool blocked = false;     ///< the socket took no more; EPOLLOUT will say when it does
    bool broken = false;      ///< the socket is dead; the owner will find out by reading
    bool awaited = false;     ///< the owner waits until nothing is left, whoever sends it
    std::uint64_t moved = 0;  ///< bytes that the socket took so far
  };

  /// Appends `bytes` bytes that `fill(char*)` writes. `limit` bounds what may be waiting. Any
  /// thread that owns `dirty`.
  template <class Fill>
  Pushed push(std::uint32_t generation, std::size_t bytes, std::size_t limit, DirtyList& dirty,
              Fill&& fill) {
    const std::lock_guard lock(mutex_);
    if (!accepts(generation)) return Pushed::gone;
    if (bytes > limit || queue_.size() > limit - bytes) return Pushed::full;
    try {
      append(bytes, dirty, static_cast<Fill&&>(fill));
    } catch (const std::bad_alloc&) {
      return Pushed::full;
    }
    return Pushed::taken;
  }

  /// As push without a limit, for what the session itself is owed: answers and control frames. They
  /// are bounded by the flushing code, which stops reading from a connection that is too far
  /// behind. Throws std::bad_alloc, since what a session is owed must not be left out.
  template <class Fill>
  void push_own(std::uint32_t generation, std::size_t bytes, DirtyList& dirty, Fill&& fill) {
    const std::lock_guard lock(mutex_);
    if (accepts(generation)) append(bytes, dirty, static_cast<Fill&&>(fill));
  }

  /// Owning worker: the one receipt that this outlet takes, until it is revoked or another one is
  /// issued. Returns its number.
  std::uint32_t issue_receipt() {
    const std::lock_guard lock(mutex_);
    if (++last_receipt_ == 0) ++last_receipt_;
    receipt_ = last_receipt_;
    return receipt_;
  }

  /// Owning worker: from now on it is not taken any more; perhaps it has been.
  void revoke_receipt() {
    const std::lock_guard lock(mutex_);
    receipt_ = 0;
  }

  /// Any thread that owns `dirty`: appends the bytes of a receipt, perhaps none, if it still
  /// counts.
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

  /// No more bytes are taken; what is queued still goes out. Owning worker.
  void shut(std::uint32_t generation) {
    const std::lock_guard lock(mutex_);
    if (generation_ == generation) shut_ = true;
  }

  /// Owning worker: what waits is forgotten.
  void discard() {
    const std::lock_guard lock(mutex_);
    queue_.clear();
  }

  /// Bytes waiting. Any thread.
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

  /// Flushing code: as with_wire, and the outlet leaves the caller's dirty list.
  template <class Use>
  auto flush_with(Use&& use) {
    const std::lock_guard lock(mutex_);
    dirty_ = false;
    return use(wire_, queue_);
  }

  /// Owning worker: a new connection moves in. Returns its generation.
  std::uint32_t open(const Wire& wire) {
    const std::lock_guard lock(mutex_);
    if (++last_generation_ == 0) ++last_generation_;
    generation_ = last_generation_;
    wire_ = wire;
    shut_ = false;
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
    // First of all, since what is in the queue must stand in the list.
    dirty.make_room();
    fill(queue_.extend(bytes));
    // A blocked socket is left alone, unless it is time to stop reading from it.
    const bool to_flush = !wire_.blocked || (queue_.size() > wire_.max_backlog && !wire_.congested);
    if (!dirty_ && to_flush) {
      dirty_ = true;
      dirty.outlets.push_back(this);
    }
    dirty.bytes += bytes;
  }

  mutable std::mutex mutex_;  // guards everything below
  ByteQueue queue_;
  Wire wire_;
  std::uint32_t generation_ = 0;
  std::uint32_t last_generation_ = 0;
  std::uint32_t receipt_ = 0;  // 0: none is taken
  std::uint32_t last_receipt_ = 0;
  bool dirty_ = false;  // stands in some thread's dirty list
  bool shut_ = true;    // no bytes are taken: nobody lives here, or no longer wants to send
};

/// The outlets of one worker, by slot. They never move and are never freed before the host ends, so
/// any thread may look one up; `at` is lock-free.
class OutletTable {
 public:
  OutletTable() : chunks_(kMaxChunks) {}
  OutletTable(const OutletTable&) = delete;
  OutletTable& operator=(const OutletTable&) = delete;
  ~OutletTable() {
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
  }

  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::uint32_t kMaxChunks = 8192;
  static constexpr std::uint32_t kMaxSlots = kChunk * kMaxChunks;

  /// nullptr: no such slot was ever used.
  Outlet* at(std::uint32_t slot) const noexcept {
    if (slot >= kMaxSlots) return nullptr;
    Outlet* chunk = chunks_[slot / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[slot % kChunk];
  }

  /// Bytes waiting in all of them. Any thread; takes each lock once, so not for the hot path.
  std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& chunk : chunks_) {
      const Outlet* outlets = chunk.load(std::memory_order_acquire);
      if (outlets == nullptr) break;
      for (std::uint32_t i = 0; i < kChunk; ++i) sum += outlets[i].waiting();
    }
    return sum;
  }

  /// Owning worker only.
  Outlet& ensure(std::uint32_t slot) {
    std::atomic<Outlet*>& chunk = chunks_[slot / kChunk];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
      chunk.store(new Outlet[kChunk], std::memory_order_release);
    }
    return *at(slot);
  }

 private:
  std::vector<std::atomic<Outlet*>> chunks_;
};

/// All workers' outlets: who has a handle finds the outlet here.
class OutletGrid {
 public:
  explicit OutletGrid(std::size_t workers) : tables_(workers) {}

  OutletTable& table(std::uint16_t worker) { return tables_[worker]; }
  Outlet* find(SessionHandle handle) const noexcept {
    return handle.worker < tables_.size() ? tables_[handle.worker].at(handle.slot) : nullptr;
  }

 private:
  std::vector<OutletTable> tables_;
};

}  // namespace crolang::session
