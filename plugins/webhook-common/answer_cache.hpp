#pragma once
/// Caches yes/no answers for a limited time, with a limit on their number and on their bytes, since
/// nodes choose the keys. Time is an argument.
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
  /// The approximate size of an entry without its key.
  static constexpr std::size_t kOverhead = 128;

  explicit AnswerCache(std::chrono::milliseconds ttl, std::size_t max_entries = kMaxEntries,
                       std::size_t max_bytes = kMaxBytes);

  /// Hot: per message. One lookup under a lock of its shard, no allocation.
  std::optional<bool> find(std::string_view key, TimePoint now) const;

  /// `since` is when the question was asked, so that an answer expires one time to live after the
  /// state that it describes. A key that would fill a large part of the cache by itself is not
  /// stored.
  void put(std::string_view key, bool answer, TimePoint since, TimePoint now);

 private:
  static constexpr std::size_t kShards = 64;

  struct Entry {
    TimePoint expires;
    bool answer;
  };
  using Entries = TextMap<Entry>;

  // Two generations: when the young one is full or has reached the time to live, it becomes the old
  // one, and the previous old one is dropped. So no search for expired entries is needed.
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
