#include "webhook-common/answer_cache.hpp"

#include <algorithm>
#include <utility>

namespace crolang::webhook_common {

AnswerCache::AnswerCache(std::chrono::milliseconds ttl, std::size_t max_entries,
                         std::size_t max_bytes)
    : ttl_(ttl),
      generation_size_(std::max<std::size_t>(1, max_entries / kShards / 2)),
      generation_bytes_(max_bytes / kShards / 2) {}

std::optional<bool> AnswerCache::find(std::string_view key, TimePoint now) const {
  const HashedText hashed(key);
  const Shard& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  for (const Entries* const entries : {&shard.young, &shard.old}) {
    const auto found = entries->find(hashed);
    if (found == entries->end()) continue;
    if (now < found->second.expires) return found->second.answer;
    return std::nullopt;
  }
  return std::nullopt;
}

void AnswerCache::put(std::string_view key, bool answer, TimePoint since, TimePoint now) {
  const std::size_t bytes = key.size() + kOverhead;
  if (now >= since + ttl_ || bytes > generation_bytes_) return;
  Entries gone;  // freed after the lock
  Shard& shard = shard_of(HashedText(key));
  const std::lock_guard lock(shard.mutex);
  const bool is_full =
      shard.young.size() >= generation_size_ || shard.young_bytes + bytes > generation_bytes_;
  if (is_full || now >= shard.turned + ttl_) {
    gone = std::exchange(shard.old, std::exchange(shard.young, {}));
    shard.young_bytes = 0;
    shard.turned = now;
  }
  const auto [entry, is_new] =
      shard.young.insert_or_assign(std::string(key), Entry{since + ttl_, answer});
  if (is_new) shard.young_bytes += bytes;
}

}  // namespace crolang::webhook_common
