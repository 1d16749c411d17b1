#pragma once
/// The statuses of the brokers of a grid, in Redis: for each a key that expires unless it is
/// written again, and one list of their names. Threads: the holder of the service's lock.
///
/// A write that Redis refuses is retried later and does not affect leases or messages: a status is
/// only informative.

#include <string>
#include <string_view>
#include <vector>

#include "crolang/plugin.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/shards.hpp"

namespace crolang::redis_registry {

class Instances {
 public:
  Instances(ServiceContext& context, Shards& shards);

  /// Sets the status of this broker.
  void set_status(std::string status);
  void list(plugin::Instances answer);
  /// Redis may have lost the status: it is written again.
  void on_connected() { due_ = context_.now; }
  /// While connected: writes the status again when that is due.
  void tick();
  /// Removes this broker from the list.
  void withdraw();

 private:
  struct Listing;

  std::string key_of(std::string_view instance) const;
  void write();
  void on_refused(std::string_view key, const redisReply& error);
  void read(const std::vector<std::string>& names, plugin::Instances answer);

  ServiceContext& context_;
  Shards& shards_;
  const std::string status_key_;
  const std::string list_;  // its key
  const std::string ttl_text_;
  std::string status_;  // empty: none
  TimePoint due_{};
};

}  // namespace crolang::redis_registry
