#pragma once
/// Decides when this broker may claim ids in Redis, when it writes its leases again, and when it
/// reports Redis as unavailable. A state machine: events in, actions out, which the owner carries
/// out at once. No IO; time is an argument. Threads: the holder of the service's lock.
///
/// Claims are granted only while every lease that this broker holds is known to be in Redis. After
/// Redis was restarted, could not be reached for half the life of a lease, or refused to write,
/// they stay paused for a grace period as well, since other brokers may not have written theirs yet
/// and an id that is absent may belong to a connected node. (NFS servers do the same with locks:
/// RFC 8881, 8.4.2.1.) A broker that starts does not know what happened before. So those that have
/// waited name the run of the server, in Redis, and a broker that finds another one waits as they
/// did.
///
/// A cluster that is down (CLUSTERDOWN) keeps what it has: claims are paused until it serves again,
/// and no longer, unless leases may have lapsed meanwhile.
///
/// Restoring writes all leases, in batches whose replies arrive one by one. It has succeeded
/// when all batches have, and is repeated if one fails.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::redis_registry {

class ClaimGate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// How long claims stay paused after leases may have been missing in Redis. Every broker
  /// reconnects within a second.
  static constexpr std::chrono::milliseconds kGracePeriod{3000};
  /// Between a failed attempt to restore, or a refused write, and the next attempt.
  static constexpr std::chrono::milliseconds kRetryAfter{1000};
  /// Between two tests whether a cluster serves again.
  static constexpr std::chrono::milliseconds kTestAfter{250};

  /// What to report to the broker; with reason(), except for `available`.
  enum class Notice {
    none,
    unavailable,
    still_unavailable,  ///< for another reason than before
    available
  };

  /// What to do with the leases.
  enum class Task {
    none,
    extend,  ///< the leases that are due
    restore_all,
    /// Test whether Redis accepts writes again: extending may succeed where writing does not, and
    /// there may be no leases.
    restore_all_and_test_write,
    /// Because of refusal(): the server has been demoted to a replica.
    drop_connection
  };

  struct Due {
    bool load_scripts = false;  ///< before anything else
    bool test_write = false;    ///< whether the cluster serves again: on_tested
    bool name_run = false;      ///< claims are open: the key `run` is to be the server's run
    Task task = Task::none;
  };

  /// What is known of a server that has been connected to.
  struct Server {
    std::string_view run_id;  ///< identifies this run; empty if it is not stated
    std::chrono::milliseconds uptime{0};
    std::optional<std::string_view> named_run;  ///< the key `run`; nullopt: it is not there
    std::optional<std::size_t> replicas;        ///< nullopt: not stated
  };

  enum class BatchResult { written, failed };

  /// `server` names Redis in reasons.
  ClaimGate(std::string server, std::chrono::milliseconds lease_ttl);

  /// Begins to restore.
  [[nodiscard]] Task on_connected(const Server& server, TimePoint now);
  /// The connection was lost, or an attempt to connect failed. `last_received`: when data was last
  /// received from Redis.
  [[nodiscard]] Notice on_disconnected(std::string_view why, TimePoint last_received,
                                       TimePoint now);
  /// Redis has lost the scripts.
  void on_scripts_lost() { scripts_missing_ = true; }
  /// Redis answered a write with this error, possibly because it has lost the scripts.
  [[nodiscard]] Notice on_write_refused(std::string_view error, TimePoint now);

  /// A part of a cluster serves no requests for the moment (`error`), but has lost no data.
  [[nodiscard]] Notice on_away(std::string_view error, TimePoint now);
  /// The outcome of a test.
  [[nodiscard]] Notice on_tested(BatchResult result, TimePoint now);
  /// Leases of other brokers may be missing.
  void pause_claims(TimePoint now) { pause_until(now + kGracePeriod); }
  /// The next server is known to have the leases, whatever the key `run` says.
  void trust_next_server() { trusts_server_ = true; }
  /// The key `run` is another one.
  void on_run_key_changed() { is_run_named_ = false; }

  /// While restoring: another batch is about to be sent, a batch was answered (perhaps before
  /// the next one is sent), there are no more to send. A batch that another server of a cluster has
  /// received may be answered after its attempt is over, so it carries the attempt's number.
  std::uint64_t on_batch_begun();
  [[nodiscard]] Notice on_batch_answered(std::uint64_t attempt, BatchResult result, TimePoint now);
  [[nodiscard]] Notice on_all_begun(TimePoint now);

  /// Called often. May begin to restore.
  [[nodiscard]] Due tick(TimePoint now);

  bool has_been_connected() const { return run_id_.has_value(); }
  /// The attempt to restore, from 1; the last one if there is none now.
  std::uint64_t attempt() const { return attempt_; }
  /// Whether it is still being made.
  bool is_restoring(std::uint64_t attempt) const {
    return state_ == State::restoring && attempt == attempt_;
  }
  /// Every lease is known to be in Redis.
  bool is_restored() const { return state_ == State::restored; }
  /// Whether claims are granted.
  bool grants_claims(TimePoint now) const {
    return is_restored() && !away_since_ && missing_lease_means_free(now);
  }
  /// Whether an id without a lease is free, rather than one whose lease is yet to be restored.
  bool missing_lease_means_free(TimePoint now) const {
    return now >= paused_until_ && !was_refused_;
  }
  /// Why claims are paused.
  std::string_view why_paused() const;
  /// Why Redis is unavailable, or was most recently.
  const std::string& reason() const { return reason_; }
  /// The error with which Redis refuses writes; empty if it accepts them.
  const std::string& refusal() const { return refusal_; }

 private:
  enum class State {
    disconnected,
    restoring,
    waiting,  // to restore again, at retry_at_
    restored
  };

  Task begin_restoring();
  Notice finish_restoring(TimePoint now);
  Notice come_back(TimePoint now);
  void pause_until(TimePoint until);
  Notice report_unavailable(std::string reason);

  std::string server_;
  std::chrono::milliseconds lease_ttl_;
  State state_ = State::disconnected;
  TimePoint paused_until_{};
  std::uint64_t attempt_ = 0;     // to restore
  std::size_t open_batches_ = 0;  // of this attempt; plus one until all have begun
  bool has_failed_batch_ = false;
  TimePoint retry_at_{};
  std::string refusal_;       // on this connection, since all leases were last restored
  bool was_refused_ = false;  // since all leases were last restored, on any connection
  bool scripts_missing_ = false;
  std::optional<TimePoint> away_since_;
  TimePoint test_at_{};
  bool trusts_server_ = false;
  std::optional<TimePoint> disconnected_since_;
  std::optional<std::string> run_id_;  // of the last connection
  bool is_run_named_ = false;          // as far as is known
  bool reported_available_ = true;     // what the broker assumes initially
  std::string reason_ = "not connected yet";
};

}  // namespace crolang::redis_registry
