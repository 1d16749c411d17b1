#pragma once
/// Commands in a cluster: each goes to the master of its slot, and where that sends it. Threads:
/// the holder of the service's lock. Errors: a command that finds nobody is answered with an error.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/redirect.hpp"
#include "redis-registry/redis_connection.hpp"
#include "redis-registry/retry_queue.hpp"
#include "redis-registry/service_context.hpp"
#include "redis-registry/slot_map.hpp"

namespace crolang::redis_registry {

class Redirecting {
 public:
  /// nullptr: the connection was lost before the answer.
  using OnReply = UniqueFunction<const redisReply*>;

  /// Finds the connections of masters.
  struct Directory {
    virtual ~Directory() = default;
    /// The connection to the master of the slot, if it is up.
    virtual RedisConnection* serving(Slot slot) = 0;
    /// The connection to this server, if it is up; else one is made.
    virtual RedisConnection* at(const HostPort& server) = 0;
    /// A redirect shows that slots have moved: the map must be requested.
    virtual void on_outdated() = 0;
    /// The number of the slot map.
    virtual std::uint64_t map() const = 0;
  };

  enum class Urgency : std::uint8_t { at_once, deferred };

  Redirecting(ServiceContext& context, Directory& directory)
      : context_(context), directory_(directory) {}

  void send(Slot slot, std::span<const std::string_view> words, Urgency urgency, OnReply on_reply);

  /// By the link for leases of this connection, or where that says once (ASK): then by the link of
  /// that server, which may answer when `connection` is closed already. Other redirects are the
  /// answer.
  void lease_command(RedisConnection& connection, std::span<const std::string_view> words,
                     OnReply on_reply);
  /// Likewise, by this connection and no other: every redirect is the answer.
  void lease_command_here(RedisConnection& connection, std::span<const std::string_view> words,
                          OnReply on_reply);

  /// Calls `retry` when a new slot map may be known.
  void retry_later(RetryQueue::Retry retry);
  /// Call it often.
  void run_due() { retry_queue_.run_due(directory_.map(), context_.now); }
  void run_all() { retry_queue_.run_all(); }
  bool is_waiting() const { return !retry_queue_.is_empty(); }

 private:
  struct Command {
    std::vector<std::string_view> words() const { return {texts.begin(), texts.end()}; }
    Slot slot;
    Urgency urgency;
    std::vector<std::string> texts;
    OnReply on_reply;
    TimePoint latest;
    std::uint64_t map = 0;  // by which it was sent
  };

  void dispatch(std::unique_ptr<Command> command);
  void on_reply(std::unique_ptr<Command> command, RedisConnection& from, const redisReply* reply);
  RedisConnection* asked(const Redirect& redirect, const RedisConnection& from);
  void on_asking(const redisReply* reply);
  void note(const std::optional<Redirect>& redirect);

  ServiceContext& context_;
  Directory& directory_;
  RetryQueue retry_queue_;
};

}  // namespace crolang::redis_registry
