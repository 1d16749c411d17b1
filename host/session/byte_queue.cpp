#include "session/byte_queue.hpp"

#include <cstring>
#include <new>
#include <vector>

namespace crolang::session {
namespace {

// A single message fits the small block, a burst for one receiver the large one.
constexpr std::size_t kSmall = 4096;
constexpr std::size_t kLarge = 65536;

class BlockCache {
 public:
  ~BlockCache() {
    for (char* block : small_) ::operator delete(block);
    for (char* block : large_) ::operator delete(block);
  }

  char* take(std::size_t capacity) {
    std::vector<char*>* cache = cache_of(capacity);
    if (cache != nullptr && !cache->empty()) {
      char* block = cache->back();
      cache->pop_back();
      return block;
    }
    return static_cast<char*>(::operator new(capacity));
  }

  void give_back(char* block, std::size_t capacity) noexcept {
    std::vector<char*>* cache = cache_of(capacity);
    if (cache != nullptr && cache->size() < (capacity == kSmall ? kSmallKept : kLargeKept)) {
      cache->push_back(block);
    } else {
      ::operator delete(block);
    }
  }

 private:
  static constexpr std::size_t kSmallKept = 64;
  static constexpr std::size_t kLargeKept = 16;

  std::vector<char*>* cache_of(std::size_t capacity) {
    if (capacity == kSmall) return &small_;
    if (capacity == kLarge) return &large_;
    return nullptr;
  }

  // Reserved in advance, so that give_back cannot fail.
  std::vector<char*> small_ = reserved(kSmallKept);
  std::vector<char*> large_ = reserved(kLargeKept);

  static std::vector<char*> reserved(std::size_t count) {
    std::vector<char*> cache;
    cache.reserve(count);
    return cache;
  }
};

BlockCache& cache() {
  thread_local BlockCache blocks;
  return blocks;
}

std::size_t capacity_for(std::size_t bytes) {
  if (bytes <= kSmall) return kSmall;
  std::size_t capacity = kLarge;
  while (capacity < bytes) capacity *= 2;
  return capacity;
}

}  // namespace

char* ByteQueue::extend(std::size_t bytes) {
  if (capacity_ - end_ < bytes) {
    const std::size_t held = size();
    // If at least half of the block is free at its front, the bytes are moved down instead of
    // growing it.
    if (begin_ >= held && capacity_ - held >= bytes && begin_ >= capacity_ / 2) {
      std::memcpy(data_, data_ + begin_, held);
    } else {
      const std::size_t capacity = capacity_for(held + bytes);
      char* block = cache().take(capacity);
      if (held != 0) std::memcpy(block, data_ + begin_, held);
      if (data_ != nullptr) cache().give_back(data_, capacity_);
      data_ = block;
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = held;
  }
  char* at = data_ + end_;
  end_ += bytes;
  return at;
}

void ByteQueue::pop(std::size_t bytes) noexcept {
  begin_ += bytes;
  if (begin_ == end_) clear();
}

void ByteQueue::clear() noexcept {
  if (data_ != nullptr) cache().give_back(data_, capacity_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace crolang::session
