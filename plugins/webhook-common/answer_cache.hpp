#pragma once
/// Remembers yes and no for a while: so many answers at most, and so many bytes, since nodes choose
/// what is in the keys. Time is an argument.
/// Threads: any, several at once. Errors: none.

#include <array>
#include <chrono>
#include <crolang/keyed_hash.hpp>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::webhook_common {

class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMaxEntries = 100'000;
  static constexpr std::size_t kMaxBytes = std::size_t{32} << 20;
  /// What an entry takes besides its key, about.
  static constexpr std::size_t kOverhead = 128;

  explicit AnswerCache(std::chrono::milliseconds ttl, std::size_t max_entries = kMaxEntries,
                       std::size_t max_bytes = kMaxBytes);

  /// Hot: per message. One look-up under a lock of its shard, no allocation.
  std::optional<bool> find(std::string_view key, TimePoint now) const;

  /// `since` is when the question was asked: an answer is never used longer than the time to live
  /// after the state that it describes. A key that would fill a good part of the cache by itself is
  /// not remembered.
  void put(std::string_view key, bool answer, TimePoint since, TimePoint now);

 private:
  static constexpr std::size_t kShards = 64;

  struct Entry {
    TimePoint expires;
    bool answer;
  };
  using Entries = TextMap<Entry>;

  // Two generations: when the young one is full or as old as an entry can get, it becomes the old
  // one, and the old one goes. So nothing has to be searched for what has expired.
  struct Shard {
    mutable std::mutex mutex;  // guards what follows
    Entries young;
    Entries old;
    std::size_t young_bytes = 0;
    TimePoint turned{};
  };

  // The maps use the low bits of the same hash.
  Shard& shard_of(const HashedText& key) { return shards_[key.hash >> 58]; }
  const Shard& shard_of(const HashedText& key) const { return shards_[key.hash >> 58]; }

  const std::chrono::milliseconds ttl_;
  const std::size_t generation_size_;
  const std::size_t generation_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace crolang::webhook_common
