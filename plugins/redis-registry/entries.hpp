#pragma once
/// The table of entries that all brokers of a grid share, in Redis: one sorted set, in which a
/// script changes one entry at a time. Threads: the holder of the service's lock; is_allowed: any.
///
/// Nothing of it is kept here: whoever asks passes the version that is known.

#include <cstdint>
#include <string>
#include <string_view>

#include "crolang/plugin.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/shards.hpp"

namespace crolang::redis_registry {

/// What two versions of the table say about what happened between.
enum class VersionChange : std::uint8_t {
  none,
  changed,
  lost,  ///< the table was lost, or its last changes were
};
/// `known` is empty if none is known, `now` if there is no table.
VersionChange compare_versions(std::string_view known, std::string_view now);

class Entries {
 public:
  Entries(ServiceContext& context, Shards& shards);

  /// Whether it can be set.
  static bool is_allowed(const plugin::Entry& entry);
  void set(SetEntry& change);
  void list(ListEntries& list);

 private:
  enum class Attempt : std::uint8_t { first, last };
  struct Change {
    std::string name;  // and a zero byte
    std::string value;
    std::string expires_at;  // empty: the entry is removed
    plugin::Done answer;
  };
  void send(Change change, Attempt attempt);
  void read(ListEntries list);

  ServiceContext& context_;
  Shards& shards_;
  const std::string key_;
};

}  // namespace crolang::redis_registry
