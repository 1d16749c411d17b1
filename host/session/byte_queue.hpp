#pragma once
/// A queue of bytes to be sent. Threads: none of its own; an Outbox guards it. Holds no memory
/// while it is empty, since most connections are idle. Each thread caches freed blocks of two
/// common sizes.

#include <cstddef>
#include <span>

namespace crolang::session {

class ByteQueue {
 public:
  ByteQueue() = default;
  ~ByteQueue() { clear(); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  /// Adds `bytes` bytes at the end and returns where they are to be written. Throws std::bad_alloc.
  char* extend(std::size_t bytes);
  std::span<const char> pending() const noexcept { return {data_ + begin_, end_ - begin_}; }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  /// Removes the first `bytes` bytes; frees the memory when nothing is left.
  void pop(std::size_t bytes) noexcept;
  void clear() noexcept;

 private:
  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace crolang::session
