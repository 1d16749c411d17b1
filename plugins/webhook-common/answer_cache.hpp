#pragma once
/// Remembers yes and no for a while. Time is an argument.
/// Threads: any, several at once. Errors: none.

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace crolang::webhook_common {

class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMaxEntries = 100'000;

  explicit AnswerCache(std::chrono::milliseconds ttl, std::size_t max_entries = kMaxEntries);

  /// Hot: per message. One look-up under a lock of its shard, no allocation.
  std::optional<bool> find(std::string_view key, TimePoint now) const;

  /// `since` is when the question was asked: an answer is never used longer than the time to live
  /// after the state that it describes.
  void put(std::string_view key, bool answer, TimePoint since, TimePoint now);

 private:
  static constexpr std::size_t kShards = 64;

  struct Entry {
    TimePoint expires;
    bool answer;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept {
      return std::hash<std::string_view>()(key);
    }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  // Two generations: when the young one is full or as old as an entry can get, it becomes the old
  // one, and the old one goes. So nothing has to be searched for what has expired.
  struct Shard {
    mutable std::mutex mutex;  // guards what follows
    Entries young;
    Entries old;
    TimePoint turned{};
  };

  Shard& shard_of(std::string_view key) { return shards_[Hash()(key) % kShards]; }
  const Shard& shard_of(std::string_view key) const { return shards_[Hash()(key) % kShards]; }

  const std::chrono::milliseconds ttl_;
  const std::size_t generation_size_;
  std::array<Shard, kShards> shards_;
};

}  // namespace crolang::webhook_common
