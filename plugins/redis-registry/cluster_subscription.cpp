#include "redis-registry/cluster_subscription.hpp"

#include <algorithm>
#include <utility>

#include "redis-registry/peer_format.hpp"
#include "redis-registry/redis_reply.hpp"
#include "redis-registry/refusal.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

// Until a heartbeat is sent again that met a slot on its way.
constexpr milliseconds kHeartbeatPause{100};
// A subscription that is left is read so often at most, if it cannot be waited for.
constexpr int kLastReads = 64;
// For a subscription's end.
constexpr milliseconds kShutdownTimeout{500};
// More than that is passed on before the time.
constexpr std::size_t kMostHeldBytes = std::size_t{16} << 20;

}  // namespace

ClusterSubscription::ClusterSubscription(std::vector<std::string> channels, std::string heartbeat,
                                         Owner& owner, const Traffic& traffic)
    : channels_(std::move(channels)),
      heartbeat_(std::move(heartbeat)),
      owner_(owner),
      subscriptions_{WorkerSubscription(traffic), WorkerSubscription(traffic)} {}

void ClusterSubscription::move(const Dialer::Target* master, TimePoint now) {
  now_ = now;
  const bool is_same = master != nullptr && master_ && master->host == master_->host;
  master_ = master == nullptr ? std::nullopt : std::optional(*master);
  if (!is_same) retry_at_ = now;
  watch(now);
}

void ClusterSubscription::close() {
  for (WorkerSubscription& each : subscriptions_) each.close();
  active_ = next_ = previous_ = nullptr;
  held_back_.clear();
  held_bytes_ = 0;
  master_.reset();
  heartbeat_since_.reset();
  refusal_.clear();
  is_unreceived_ = false;
  is_up_ = false;
  ++generation_;
}

void ClusterSubscription::go_down(std::string_view why) {
  is_up_ = false;
  owner_.on_subscription_down(why);
}

// ---- Subscriptions ------------------------------------------------------------------------------

void ClusterSubscription::subscribe(TimePoint now) {
  const std::size_t link = active_ == &subscriptions_[0] ? 1 : 0;
  if (previous_ == &subscriptions_[link]) close_previous(now);
  WorkerSubscription& opened = subscriptions_[link];
  opened.open(owner_.connect(*master_, link), master_->host, owner_.login(), channels_, now,
              [this, &opened](std::string_view batch) { on_batch(opened, batch); });
  next_ = &opened;
}

void ClusterSubscription::take_over(TimePoint now) {
  if (active_ != nullptr) leave(*active_, now);
  active_ = std::exchange(next_, nullptr);
  ++generation_;
  last_received_ = now;
  next_heartbeat_ = now;
  heartbeat_since_.reset();
  is_unreceived_ = false;
  is_proven_ = false;
}

/// What is published there until its master knows counts as received.
void ClusterSubscription::leave(WorkerSubscription& subscription, TimePoint now) {
  drain(subscription, now);
  subscription.leave();
  subscription.flush();
  previous_ = &subscription;
  left_at_ = now;
}

void ClusterSubscription::close_previous(TimePoint now) {
  drain(*previous_, now);
  if (active_ != nullptr) drain(*active_, now);
  if (previous_->is_forbidden()) {
    owner_.on_unsubscribe_refused(previous_->why_ended(now).value_or(""));
  }
  previous_->close();
  previous_ = nullptr;
}

void ClusterSubscription::drain(WorkerSubscription& subscription, TimePoint now) {
  for (int reads = 0; reads < kLastReads; ++reads) {
    pollfd entry = subscription.poll_entry(now);
    entry.events = POLLIN;
    if (entry.fd < 0 || ::poll(&entry, 1, 0) <= 0) return;
    subscription.on_poll(entry.revents, now);
  }
}

void ClusterSubscription::lose(std::string_view why, bool has_moved, TimePoint now) {
  // While it still holds back: what is unread there may be earlier than what the lost one had.
  if (next_ != nullptr) drain(*next_, now);
  active_->close();
  active_ = nullptr;
  ++generation_;
  heartbeat_since_.reset();
  is_unreceived_ = false;
  if (next_ == nullptr) retry_at_ = now + retry_pause_.next();
  if (has_moved) owner_.on_subscription_moved();
  if (is_up_ && (has_moved || next_ != nullptr)) {
    lost_since_ = now;
    lost_why_ = why;
  } else {
    go_down(why);
  }
}

void ClusterSubscription::on_batch(const WorkerSubscription& from, std::string_view batch) {
  if (&from == active_) {
    last_received_ = now_;
    heartbeat_since_.reset();
    is_proven_ = true;
    if (!is_up_) {
      is_up_ = true;
      owner_.on_subscription_up();
    }
  }
  if (!holds_back()) return pass_on(batch);
  // Not this one before them, since they would be late then.
  if (held_bytes_ >= kMostHeldBytes) pass_on_held();
  held_back_.emplace_back(batch);
  held_bytes_ += batch.size();
}

/// While there may be two subscriptions. What the former master publishes may arrive later than
/// what others then publish at the new one; and once the former one is a replica of the new one, it
/// passes on what is published there, but perhaps not the first of it.
bool ClusterSubscription::holds_back() const {
  if (previous_ != nullptr) return true;
  return next_ != nullptr && active_ != nullptr && next_->may_deliver();
}

void ClusterSubscription::pass_on_held() {
  std::vector<std::string> held = std::exchange(held_back_, {});
  held_bytes_ = 0;
  std::ranges::stable_sort(held, {}, [](const std::string& batch) {
    const BatchReader reader(batch);
    return std::pair(reader.sender(), reader.number());
  });
  for (const std::string& batch : held) pass_on(batch);
}

void ClusterSubscription::pass_on(std::string_view batch) {
  switch (order_.check(batch, now_)) {
    case BatchOrder::Result::fresh:
      owner_.on_subscription_batch(batch, WorkerPubSub::Order::kept);
      break;
    case BatchOrder::Result::late:
      owner_.on_subscription_batch(batch, WorkerPubSub::Order::late);
      break;
    case BatchOrder::Result::repeated:
      break;
  }
}

// ---- The heartbeat ------------------------------------------------------------------------------

void ClusterSubscription::send_heartbeat(WorkerPublisher& publisher, TimePoint now) {
  heartbeat_since_ = now;
  publisher.publish_heartbeat(channels_.front(), heartbeat_, now,
                              [this, generation = generation_](const redisReply* reply) {
                                on_heartbeat_reply(generation, reply);
                              });
}

void ClusterSubscription::on_heartbeat_reply(std::uint64_t generation, const redisReply* reply) {
  if (generation != generation_) return;
  const auto repeat = [this] {
    heartbeat_since_.reset();
    next_heartbeat_ = now_ + kHeartbeatPause;
  };
  if (reply == nullptr) {
    repeat();
  } else if (!is_error(*reply)) {
    is_unreceived_ = reply->integer == 0;
  } else if (text_of(*reply).starts_with("MOVED ")) {
    repeat();
    owner_.on_subscription_moved();
  } else {
    refusal_ = describe_refusal("SPUBLISH", text_of(*reply));
  }
}

// ---- Events -------------------------------------------------------------------------------------

pollfd ClusterSubscription::poll_entry(std::size_t link, TimePoint now) const {
  return subscriptions_[link].poll_entry(now);
}

void ClusterSubscription::on_poll(std::size_t link, short events, TimePoint now) {
  now_ = now;
  WorkerSubscription& subscription = subscriptions_[link];
  // What was published before the slot moved comes first.
  if (&subscription == next_ && active_ != nullptr) drain(*active_, now);
  subscription.on_poll(events, now);
  watch(now);
}

void ClusterSubscription::flush(TimePoint now) {
  now_ = now;
  for (WorkerSubscription& each : subscriptions_) each.flush();
}

void ClusterSubscription::tick(TimePoint now) {
  now_ = now;
  watch(now);
}

TimePoint ClusterSubscription::due() const {
  if (next_ != nullptr && next_->has_ended()) return TimePoint{};
  const bool waits = next_ == nullptr && master_ && !is_there();
  return waits ? retry_at_ : TimePoint::max();
}

void ClusterSubscription::restart_clocks(TimePoint now) {
  for (WorkerSubscription& each : subscriptions_) each.restart_clocks(now);
  last_received_ = now;
  if (heartbeat_since_) heartbeat_since_ = now;
}

void ClusterSubscription::watch(TimePoint now) {
  if (previous_ != nullptr && (previous_->has_ended() || now - left_at_ > kShutdownTimeout)) {
    close_previous(now);
  }
  if (next_ != nullptr) watch_next(now);
  if (active_ != nullptr) watch_active(now);
  if (is_lost() && now - lost_since_ > kMoveTime) go_down(std::string(lost_why_));
  if (master_ && !is_there() && next_ == nullptr && now >= retry_at_) subscribe(now);
  if (!held_back_.empty() && !holds_back()) pass_on_held();
}

void ClusterSubscription::watch_next(TimePoint now) {
  if (!master_ || next_->master() != master_->host) {
    next_->close();
    next_ = nullptr;
    return;
  }
  if (next_->is_ready()) return take_over(now);
  const auto why = next_->why_ended(now);
  if (!why) return;
  const bool has_moved = next_->has_slot_moved();
  next_->close();
  next_ = nullptr;
  retry_at_ = now + retry_pause_.next();
  if (has_moved) owner_.on_subscription_moved();
  if (!is_up_) {
    go_down(*why);
  } else if (active_ == nullptr) {
    lost_why_ = *why;
  }
}

void ClusterSubscription::watch_active(TimePoint now) {
  if (const auto why = active_->why_ended(now)) {
    const WorkerPublisher* const publisher = owner_.slot_publisher();
    const bool is_there = publisher != nullptr && publisher->master().host == active_->master();
    if (is_up_ && active_->is_cut() && is_there && publisher->is_intact())
      owner_.on_subscription_cut();
    return lose(*why, active_->has_slot_moved(), now);
  }
  if (!refusal_.empty()) return lose(std::exchange(refusal_, {}), false, now);
  if (is_unreceived_)
    return lose("Redis has lost the subscription to this broker's channels", true, now);
  const milliseconds timeout = is_up_ ? kReplyTimeout : kHandshakeTimeout;
  const bool is_late = heartbeat_since_ && now - *heartbeat_since_ > timeout;
  if (is_late || now - last_received_ > kHeartbeatAfter + kReplyTimeout) {
    return lose("no answer for " + std::to_string(timeout.count()) + " ms", false, now);
  }
  if (heartbeat_since_ || now < next_heartbeat_) return;
  if (is_proven_ && now - last_received_ < kHeartbeatAfter) return;
  WorkerPublisher* const publisher = owner_.slot_publisher();
  // While the slot moves, the heartbeat would go to where nobody is subscribed yet.
  if (publisher == nullptr || publisher->master().host != active_->master()) return;
  send_heartbeat(*publisher, now);
}

}  // namespace crolang::redis_registry
