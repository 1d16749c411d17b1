#include "redis-registry/lease_keys.hpp"

#include <algorithm>
#include <iterator>

#include "redis-registry/claim_gate.hpp"

namespace crolang::redis_registry {

void LeaseKeys::on_released(Withdrawn lease, const redisReply* reply) {
  if (!has_failed(reply)) {
    releases_.add(std::move(lease), context_.now);
    return;
  }
  if (reply != nullptr) {
    const bool is_redirect = redirecting_ != nullptr && read_redirect(reply);
    if (is_redirect || text_of(*reply).starts_with("CLUSTERDOWN")) {
      // The shard that then serves its slot releases it.
      has_strays_ = true;
      strays_due_ = context_.now + (is_redirect ? RetryQueue::kPause : ClaimGate::kTestAfter);
    }
    if (!is_redirect) on_refused_(*reply);
  }
  withdrawn_.push_back(std::move(lease));
}

void LeaseKeys::release_kept() {
  has_strays_ = false;
  for (Withdrawn& each : std::exchange(withdrawn_, {})) release(std::move(each), [] {});
}

void LeaseKeys::release_strays() {
  if (has_strays_ && context_.now >= strays_due_) release_kept();
}

void LeaseKeys::expire() {
  std::erase_if(withdrawn_, [this](const Withdrawn& each) { return context_.now >= each.until; });
  if (connection_.is_up()) releases_.expire(context_.now);
}

void LeaseKeys::on_connected(std::string_view run) {
  if (!run.empty() && run == released_run_) return;
  // It may not have received them.
  releases_.take_all([this](Withdrawn lease) { withdrawn_.push_back(std::move(lease)); });
  released_run_ = run;
}

void LeaseKeys::hand_over(LeaseKeys& to, const std::function<bool(std::string_view id)>& goes) {
  const auto stays = [&](const Withdrawn& each) { return !goes(each.id); };
  const auto gone = std::stable_partition(withdrawn_.begin(), withdrawn_.end(), stays);
  if (gone == withdrawn_.end()) return;
  // Before anything has changed.
  to.withdrawn_.reserve(to.withdrawn_.size() + static_cast<std::size_t>(withdrawn_.end() - gone));
  to.withdrawn_.insert(to.withdrawn_.end(), std::make_move_iterator(gone),
                       std::make_move_iterator(withdrawn_.end()));
  withdrawn_.erase(gone, withdrawn_.end());
  to.has_strays_ = true;
  to.strays_due_ = context_.now;
}

}  // namespace crolang::redis_registry
