#pragma once
/// Where receivers on other instances were last reached, so that a pair that keeps talking costs no
/// look-up. It may be wrong without harm: a message names the session's token, so an entry that is
/// out of date gets a refusal, and then a look-up. Never an answer to who is connected.
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
#include "session/session.hpp"

namespace crolang::broker {

class Locations {
 public:
  using TimePoint = session::TimePoint;

  Locations() = default;
  Locations(const Locations&) = delete;
  Locations& operator=(const Locations&) = delete;

  static constexpr std::size_t kMost = 4096;
  static constexpr std::chrono::seconds kLifetime{30};

  /// nullptr: not known. Valid until the next call of another function.
  const modules::Holder* find(std::string_view id, TimePoint now) const;
  /// It was found there, or took a message there.
  void keep(std::string_view id, const modules::Holder& holder, TimePoint now);
  /// It did not take a message there. Nothing happens to an entry with another token.
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

  // All live equally long, so the order of use is the order in which they expire.
  Entries entries_;  // latest first
  // Keys: the entries' ids.
  std::unordered_map<std::string_view, Entries::iterator, KeyedHash, std::equal_to<>> by_id_;
};

}  // namespace crolang::broker
