#pragma once
/// The keys of leases at one primary: runs the scripts on them, and releases what is to be released
/// as soon as that is possible. In a cluster scripts follow a key that has been moved already.
/// Threads: the holder of the service's lock.

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/recent_releases.hpp"
#include "redis-registry/redirecting.hpp"
#include "redis-registry/redis_connection.hpp"
#include "redis-registry/redis_reply.hpp"
#include "redis-registry/service_context.hpp"

namespace crolang::redis_registry {

class LeaseKeys {
 public:
  /// `on_refused`: Redis has answered a write with this error.
  LeaseKeys(ServiceContext& context, RedisConnection& connection,
            std::function<void(const redisReply&)> on_refused)
      : context_(context), connection_(connection), on_refused_(std::move(on_refused)) {}

  /// From now on this is a part of a cluster.
  void join_cluster(Redirecting& redirecting) { redirecting_ = &redirecting; }

  template <std::size_t n, class F>
  void run_script(Script script, const std::array<std::string_view, n>& args, F&& on_reply) {
    if (redirecting_ == nullptr) {
      run_script_here(script, args, std::forward<F>(on_reply));
    } else {
      redirecting_->lease_command(connection_, words(script, args),
                                  [counted = unanswered_, answer = std::forward<F>(on_reply)](
                                      const redisReply* reply) mutable { answer(reply); });
    }
  }
  /// Also in a cluster by this server and no other: a redirect is the answer.
  template <std::size_t n, class F>
  void run_script_here(Script script, const std::array<std::string_view, n>& args, F&& on_reply) {
    if (redirecting_ == nullptr) {
      connection_.lease_command(words(script, args), context_.now, std::forward<F>(on_reply));
    } else {
      redirecting_->lease_command_here(connection_, words(script, args), std::forward<F>(on_reply));
    }
  }

  Withdrawn withdrawn(std::string id, std::uint64_t token) const {
    return {std::move(id), token, context_.now + context_.options.lock_ttl};
  }
  /// `done()` is called when Redis has answered, or the connection was lost, or the lease is to be
  /// released by another shard.
  template <class F>
  void release(Withdrawn lease, F done) {
    const std::string key = context_.key(lease.id);
    const std::string token = token_text(lease.token);
    run_script(
        Script::release, std::array<std::string_view, 3>{"1", key, token},
        [this, kept = std::move(lease), then = std::move(done)](const redisReply* reply) mutable {
          on_released(std::move(kept), reply);
          then();
        });
  }

  /// In a cluster: a script has no answer yet. It may come from another server, on the connection
  /// of another shard, and this must live until then.
  bool has_unanswered() const { return unanswered_.use_count() > 1; }

  /// To be released once Redis is available.
  void keep(Withdrawn lease) { withdrawn_.push_back(std::move(lease)); }
  void release_kept();
  /// There are some that could not be released at their previous server.
  void release_strays();
  bool has_strays() const { return has_strays_; }
  /// Forgets what has expired by itself.
  void expire();
  /// The server has changed if `run` has; then it may not have received the last releases.
  void on_connected(std::string_view run);
  /// Those that `goes` names are to be released by `to`.
  void hand_over(LeaseKeys& to, const std::function<bool(std::string_view id)>& goes);

 private:
  template <std::size_t n>
  std::array<std::string_view, n + 2> words(Script script,
                                            const std::array<std::string_view, n>& args) const {
    std::array<std::string_view, n + 2> all{"EVALSHA", connection_.digest(script)};
    std::copy(args.begin(), args.end(), all.begin() + 2);
    return all;
  }
  void on_released(Withdrawn lease, const redisReply* reply);

  ServiceContext& context_;
  RedisConnection& connection_;
  const std::function<void(const redisReply&)> on_refused_;
  Redirecting* redirecting_ = nullptr;  // null: no cluster
  // Each script without an answer has a copy.
  const std::shared_ptr<const char> unanswered_ = std::make_shared<const char>('\0');
  std::vector<Withdrawn> withdrawn_;  // to be released when Redis is available
  bool has_strays_ = false;
  TimePoint strays_due_{};
  RecentReleases releases_;
  std::string released_run_;  // the run of the server on which
};

}  // namespace crolang::redis_registry
