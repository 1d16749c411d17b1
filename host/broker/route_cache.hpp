#pragma once
/// Remembers where receivers on other instances were last reached, so that further messages to them
/// need no lookup. An outdated entry does no harm: a message carries the token of the session that
/// it is for, so the other instance refuses it, and the receiver is looked up. Presence does not
/// use this cache.
///
/// Threads: owning worker only. Time is an argument. Errors: none.

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crolang/keyed_hash.hpp"
#include "modules/answer.hpp"

namespace crolang::broker {

class RouteCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  RouteCache() = default;
  RouteCache(const RouteCache&) = delete;
  RouteCache& operator=(const RouteCache&) = delete;

  static constexpr std::size_t kMost = 4096;
  static constexpr std::chrono::seconds kLifetime{30};

  /// nullptr: unknown. Valid until the next call of another function.
  const modules::Holder* find(std::string_view id, TimePoint now) const;
  /// The receiver was found there, or a message to it was accepted there.
  void keep(std::string_view id, const modules::Holder& holder, TimePoint now);
  /// A message to it was refused there. An entry with another token is kept.
  void drop(std::string_view id, std::uint64_t token);

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string id;
    modules::Holder holder;
    TimePoint until;
  };
  using Entries = std::list<Entry>;

  void erase(Entries::iterator entry);

  // All entries have the same lifetime, so they expire in the order in which they were last used.
  Entries entries_;  // latest first
  // Keys: the entries' ids.
  std::unordered_map<std::string_view, Entries::iterator, KeyedHash, std::equal_to<>> by_id_;
};

}  // namespace crolang::broker
