#include "broker/route_cache.hpp"

namespace crolang::broker {

const modules::Holder* RouteCache::find(std::string_view id, TimePoint now) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->until <= now) return nullptr;
  return &found->second->holder;
}

// Hot: per message sent to another instance. No allocation if the entry is there.
void RouteCache::keep(std::string_view id, const modules::Holder& holder, TimePoint now) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    entries_.push_front({std::string(id), holder, now + kLifetime});
    by_id_.emplace(entries_.front().id, entries_.begin());
  } else {
    const auto entry = found->second;
    entries_.splice(entries_.begin(), entries_, entry);
    entry->until = now + kLifetime;
    if (entry->holder.token != holder.token) entry->holder = holder;
  }
  while (entries_.size() > kMost || entries_.back().until <= now) erase(--entries_.end());
}

void RouteCache::drop(std::string_view id, std::uint64_t token) {
  const auto found = by_id_.find(id);
  if (found != by_id_.end() && found->second->holder.token == token) erase(found->second);
}

void RouteCache::erase(Entries::iterator entry) {
  by_id_.erase(entry->id);
  entries_.erase(entry);
}

}  // namespace crolang::broker
