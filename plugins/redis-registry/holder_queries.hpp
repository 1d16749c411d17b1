#pragma once
/// Asks Redis for the holders of ids: lookups at once, presence queries when nothing else is
/// waiting to be sent.
/// Threads: the holder of the service's lock.

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "redis-registry/presence_queue.hpp"
#include "redis-registry/requests.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/shards.hpp"

namespace crolang::redis_registry {

class HolderQueries {
 public:
  HolderQueries(ServiceContext& context, Shards& shards);

  void look_up(Lookup& lookup);
  void look_up(PresenceLookup& lookup);
  /// Sends as many presence queries as possible without delaying anything else. `last_message`:
  /// when a message was last sent or received.
  void send_presence(TimePoint last_message);
  /// Fails the questions that have not been sent.
  void fail_all(plugin::Status status, std::string_view why) { presence_.fail_all(status, why); }

 private:
  struct Reading;

  /// There is at least one id. `done(const Reading&)` is called once.
  template <class F>
  void find_holders(std::span<const std::string_view> ids, F done);
  void on_holder(Reading& reading, std::size_t at, Slot slot, const redisReply* reply);

  ServiceContext& context_;
  Shards& shards_;
  PresenceQueue presence_;
};

}  // namespace crolang::redis_registry
