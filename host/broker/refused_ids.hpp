#pragma once
/// The ids that an operator refuses in the whole grid, as far as this instance knows; and their
/// form in the table that all instances share (registry.h).
/// Threads: any; one lock, held for one access.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/answer.hpp"

namespace crolang::broker {

using WallTime = std::chrono::system_clock::time_point;

struct RefusedId {
  std::string id;
  WallTime until{};
  std::string reason;  ///< UTF-8; may be empty
  bool operator==(const RefusedId&) const = default;
};

/// "refused by an operator until …: reason", for the log.
std::string describe(const RefusedId& refused);

inline constexpr std::size_t kMaxRefusedIds = 10'000;
inline constexpr std::size_t kMaxRefusalReason = 256;  ///< bytes

/// As an entry of the shared table.
modules::Entry entry_of(const RefusedId& refused);
/// The entry that removes it.
modules::Entry removal_of(std::string_view id);
/// nullopt: it is an entry of another kind.
std::optional<RefusedId> refused_id_of(const modules::Entry& entry);
/// Whether an id is short enough for an entry.
bool can_be_refused(std::string_view id);

class RefusedIds {
 public:
  /// If it is refused now. Cheap while there are none.
  std::optional<RefusedId> find(std::string_view id, WallTime now) const;
  /// Those that are refused now, sorted by id.
  std::vector<RefusedId> all(WallTime now) const;
  std::size_t size() const { return count_.load(std::memory_order_acquire); }

  /// Also removes what has expired.
  void put(RefusedId refused, WallTime now);
  void erase(std::string_view id);
  /// The table is this, but for what has expired. Returns the ids that were not refused before.
  std::vector<RefusedId> replace(std::vector<RefusedId> refused, WallTime now);
  /// As replace, but keeps what is not in it. Returns that.
  struct Merged {
    std::vector<RefusedId> added;
    std::vector<RefusedId> missing;  ///< in `refused`
  };
  Merged merge(std::vector<RefusedId> refused, WallTime now);

 private:
  using Table = std::map<std::string, RefusedId, std::less<>>;  // by id

  mutable std::mutex mutex_;  // guards table_
  Table table_;
  std::atomic<std::size_t> count_{0};  // of table_
};

}  // namespace crolang::broker
