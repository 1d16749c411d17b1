#pragma once
/// Bytes on their way out. Threads: none of its own; an Outlet guards it. Holds no memory while it
/// is empty: idle nodes are what a broker mostly holds. Blocks of two usual sizes are kept by each
/// thread for the next one who needs them.

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
  /// Forgets the first `bytes` bytes; gives the memory back when nothing is left.
  void pop(std::size_t bytes) noexcept;
  void clear() noexcept;

 private:
  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace crolang::session
