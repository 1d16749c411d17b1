#include "broker/refused_ids.hpp"

#include <algorithm>
#include <utility>

#include "broker/node_report.hpp"
#include "crolang/plugin.h"

namespace crolang::broker {
namespace {

// The table may be used for other things, too.
constexpr std::string_view kKind = "refused-id:";

}  // namespace

std::string describe(const RefusedId& refused) {
  std::string text = "refused by an operator until " + rfc3339(refused.until);
  if (!refused.reason.empty()) text += ": " + refused.reason;
  return text;
}

bool can_be_refused(std::string_view id) {
  return !id.empty() && id.size() <= CROLANG_MAX_ENTRY_NAME - kKind.size();
}

modules::Entry entry_of(const RefusedId& refused) {
  const auto until =
      std::chrono::duration_cast<std::chrono::milliseconds>(refused.until.time_since_epoch());
  return {std::string(kKind) + refused.id, refused.reason.substr(0, CROLANG_MAX_ENTRY_VALUE),
          static_cast<std::uint64_t>(until.count())};
}

modules::Entry removal_of(std::string_view id) {
  return {std::string(kKind).append(id), {}, 0};
}

std::optional<RefusedId> refused_id_of(const modules::Entry& entry) {
  if (!entry.name.starts_with(kKind)) return std::nullopt;
  // The longest time that the clock can represent, as a guard against a foreign entry.
  constexpr std::uint64_t kMost = 9'000'000'000'000;
  const std::chrono::milliseconds until(std::min(entry.expires_at, kMost));
  return RefusedId{entry.name.substr(kKind.size()), WallTime(until), entry.value};
}

std::optional<RefusedId> RefusedIds::find(std::string_view id, WallTime now) const {
  if (size() == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = table_.find(id);
  if (found == table_.end() || found->second.until <= now) return std::nullopt;
  return found->second;
}

std::vector<RefusedId> RefusedIds::all(WallTime now) const {
  std::vector<RefusedId> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, refused] : table_) {
    if (refused.until > now) all.push_back(refused);
  }
  return all;
}

void RefusedIds::put(RefusedId refused, WallTime now) {
  const std::lock_guard lock(mutex_);
  // Nobody else removes them if the table is not shared.
  std::erase_if(table_, [now](const auto& each) { return each.second.until <= now; });
  std::string id = refused.id;
  table_.insert_or_assign(std::move(id), std::move(refused));
  count_.store(table_.size(), std::memory_order_release);
}

void RefusedIds::erase(std::string_view id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = table_.find(id); found != table_.end()) table_.erase(found);
  count_.store(table_.size(), std::memory_order_release);
}

std::vector<RefusedId> RefusedIds::replace(std::vector<RefusedId> refused, WallTime now) {
  std::vector<RefusedId> added;
  Table table;
  for (RefusedId& each : refused) {
    if (each.until <= now) continue;
    std::string id = each.id;
    table.insert_or_assign(std::move(id), std::move(each));
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [id, each] : table) {
    const auto known = table_.find(id);
    if (known == table_.end() || known->second.until <= now) added.push_back(each);
  }
  table_.swap(table);
  count_.store(table_.size(), std::memory_order_release);
  return added;
}

RefusedIds::Merged RefusedIds::merge(std::vector<RefusedId> refused, WallTime now) {
  Merged merged;
  std::map<std::string_view, const RefusedId*> there;
  for (const RefusedId& each : refused) there.emplace(each.id, &each);
  for (RefusedId& each : all(now)) {
    if (!there.contains(each.id)) merged.missing.push_back(std::move(each));
  }
  std::vector<RefusedId> both = merged.missing;
  there.clear();
  both.insert(both.end(), std::make_move_iterator(refused.begin()),
              std::make_move_iterator(refused.end()));
  merged.added = replace(std::move(both), now);
  return merged;
}

}  // namespace crolang::broker
