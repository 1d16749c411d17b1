#include "webhook-common/answer_cache.hpp"

#include <algorithm>
#include <utility>

namespace crolang::webhook_common {

AnswerCache::AnswerCache(std::chrono::milliseconds ttl, std::size_t max_entries)
    : ttl_(ttl), generation_size_(std::max<std::size_t>(1, max_entries / kShards / 2)) {}

std::optional<bool> AnswerCache::find(std::string_view key, TimePoint now) const {
  const Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  for (const Entries* const entries : {&shard.young, &shard.old}) {
    const auto found = entries->find(key);
    if (found == entries->end()) continue;
    if (now < found->second.expires) return found->second.answer;
    return std::nullopt;
  }
  return std::nullopt;
}

void AnswerCache::put(std::string_view key, bool answer, TimePoint since, TimePoint now) {
  if (now >= since + ttl_) return;
  Entries gone;  // freed after the lock
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.young.size() >= generation_size_ || now >= shard.turned + ttl_) {
    gone = std::exchange(shard.old, std::exchange(shard.young, {}));
    shard.turned = now;
  }
  shard.young.insert_or_assign(std::string(key), Entry{since + ttl_, answer});
}

}  // namespace crolang::webhook_common
