#include "redis-registry/claim_gate.hpp"

#include <algorithm>
#include <utility>

#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {

ClaimGate::ClaimGate(std::string server, std::chrono::milliseconds lease_ttl)
    : server_(std::move(server)), lease_ttl_(lease_ttl) {}

ClaimGate::Task ClaimGate::on_connected(const Server& server, TimePoint now) {
  const std::string_view run_id = server.run_id;
  if (server.uptime < kGracePeriod) pause_until(now + kGracePeriod - server.uptime);
  is_run_named_ = server.named_run == run_id;
  // The brokers that were there before may still be writing their leases to a new primary. A server
  // without replicas was not promoted, and its restart shows in its uptime.
  const bool may_be_new = server.named_run ? !is_run_named_ : server.replicas.value_or(0) > 0;
  const bool is_trusted = std::exchange(trusts_server_, false);
  if (!run_id_ && may_be_new && !is_trusted) pause_until(now + kGracePeriod);
  // A server that does not state its run id may have been restarted at any time.
  const bool has_restarted = run_id_ && (run_id_->empty() || *run_id_ != run_id);
  // A lease has at least two thirds of its life left when the connection breaks, so none that
  // belongs to a connected node has lapsed in half of it.
  const bool was_long_disconnected =
      disconnected_since_ && now - *disconnected_since_ >= lease_ttl_ / 2;
  if (has_restarted || was_long_disconnected) pause_until(now + kGracePeriod);
  run_id_.emplace(run_id);
  disconnected_since_.reset();
  return begin_restoring();
}

ClaimGate::Notice ClaimGate::on_disconnected(std::string_view why, TimePoint last_received,
                                             TimePoint now) {
  // Counted from the last data, not from when the loss was noticed: a silent connection had broken
  // before.
  if (run_id_ && !disconnected_since_) {
    disconnected_since_ = std::min({now, last_received, away_since_.value_or(now)});
  }
  state_ = State::disconnected;
  away_since_.reset();
  refusal_.clear();
  // Last, since it may throw.
  return report_unavailable(server_ + ": " + std::string(why));
}

ClaimGate::Notice ClaimGate::on_write_refused(std::string_view error, TimePoint now) {
  if (error.starts_with("NOSCRIPT")) {
    on_scripts_lost();
    return Notice::none;
  }
  is_run_named_ = false;
  if (refusal_.empty() && (state_ == State::restored || state_ == State::waiting)) {
    state_ = State::waiting;
    retry_at_ = now + kRetryAfter;
  }
  was_refused_ = true;
  refusal_ = describe_end(error);
  return report_unavailable("Redis refuses writes: " + refusal_);
}

ClaimGate::Notice ClaimGate::on_away(std::string_view error, TimePoint now) {
  if (state_ == State::disconnected) return Notice::none;
  if (!away_since_) {
    away_since_ = now;
    test_at_ = now + kTestAfter;
  }
  return report_unavailable(server_ + ": " + describe_end(error));
}

ClaimGate::Notice ClaimGate::on_tested(BatchResult result, TimePoint now) {
  if (!away_since_ || state_ != State::restored || result == BatchResult::failed) {
    return Notice::none;
  }
  if (now - *away_since_ >= lease_ttl_ / 2) {
    // Ours are written again before claims open.
    state_ = State::waiting;
    retry_at_ = now;
    return Notice::none;
  }
  return come_back(now);
}

ClaimGate::Notice ClaimGate::come_back(TimePoint now) {
  // As after a connection that was lost for so long.
  if (away_since_ && now - *away_since_ >= lease_ttl_ / 2) pause_until(now + kGracePeriod);
  away_since_.reset();
  return std::exchange(reported_available_, true) ? Notice::none : Notice::available;
}

ClaimGate::Task ClaimGate::begin_restoring() {
  state_ = State::restoring;
  ++attempt_;
  has_failed_batch_ = false;
  open_batches_ = 1;
  return was_refused_ ? Task::restore_all_and_test_write : Task::restore_all;
}

std::uint64_t ClaimGate::on_batch_begun() {
  ++open_batches_;
  return attempt_;
}

ClaimGate::Notice ClaimGate::on_batch_answered(std::uint64_t attempt, BatchResult result,
                                               TimePoint now) {
  if (!is_restoring(attempt)) return Notice::none;
  if (result == BatchResult::failed) has_failed_batch_ = true;
  return --open_batches_ > 0 ? Notice::none : finish_restoring(now);
}

ClaimGate::Notice ClaimGate::on_all_begun(TimePoint now) {
  return on_batch_answered(attempt_, BatchResult::written, now);
}

ClaimGate::Notice ClaimGate::finish_restoring(TimePoint now) {
  if (has_failed_batch_) {
    state_ = State::waiting;
    retry_at_ = now + kRetryAfter;
    return Notice::none;
  }
  state_ = State::restored;
  refusal_.clear();
  if (std::exchange(was_refused_, false)) pause_until(now + kGracePeriod);
  return come_back(now);
}

ClaimGate::Due ClaimGate::tick(TimePoint now) {
  if (state_ == State::disconnected) return {};
  if (refusal_.starts_with("READONLY")) return {.task = Task::drop_connection};
  Due due{.load_scripts = std::exchange(scripts_missing_, false), .task = Task::none};
  if (state_ == State::restored) {
    due.task = Task::extend;
    if (away_since_ && now >= test_at_) {
      due.test_write = true;
      test_at_ = now + kTestAfter;
    }
    due.name_run = grants_claims(now) && !run_id_->empty() && !std::exchange(is_run_named_, true);
  } else if (state_ == State::waiting && now >= retry_at_) {
    due.task = begin_restoring();
  }
  return due;
}

std::string_view ClaimGate::why_paused() const {
  return state_ != State::disconnected && refusal_.empty() && !away_since_
             ? "claims paused while brokers restore their leases"
             : std::string_view(reason_);
}

void ClaimGate::pause_until(TimePoint until) {
  paused_until_ = std::max(paused_until_, until);
}

ClaimGate::Notice ClaimGate::report_unavailable(std::string reason) {
  const bool reason_changed = reason != reason_;
  reason_ = std::move(reason);
  if (std::exchange(reported_available_, false)) return Notice::unavailable;
  return reason_changed ? Notice::still_unavailable : Notice::none;
}

}  // namespace crolang::redis_registry
