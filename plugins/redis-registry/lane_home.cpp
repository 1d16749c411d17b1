#include "redis-registry/lane_home.hpp"

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
constexpr milliseconds kFarewell{500};
// More than that is passed on as it comes.
constexpr std::size_t kMostHeldBytes = std::size_t{16} << 20;

}  // namespace

LaneHome::LaneHome(std::vector<std::string> channels, std::string heartbeat, Owner& owner,
                   const Traffic& traffic)
    : channels_(std::move(channels)),
      heartbeat_(std::move(heartbeat)),
      owner_(owner),
      subscriptions_{LaneSubscription(traffic), LaneSubscription(traffic)} {}

void LaneHome::move(const Dialer::Target* master, TimePoint now) {
  now_ = now;
  const bool is_same = master != nullptr && master_ && master->host == master_->host;
  master_ = master == nullptr ? std::nullopt : std::optional(*master);
  if (!is_same) retry_at_ = now;
  watch(now);
}

void LaneHome::close() {
  for (LaneSubscription& each : subscriptions_) each.close();
  active_ = coming_ = leaving_ = nullptr;
  held_back_.clear();
  held_bytes_ = 0;
  master_.reset();
  heartbeat_since_.reset();
  refusal_.clear();
  is_unheard_ = false;
  is_up_ = false;
  ++life_;
}

void LaneHome::go_down(std::string_view why) {
  is_up_ = false;
  owner_.on_home_down(why);
}

// ---- Subscriptions ------------------------------------------------------------------------------

void LaneHome::subscribe(TimePoint now) {
  const std::size_t link = active_ == &subscriptions_[0] ? 1 : 0;
  if (leaving_ == &subscriptions_[link]) end_leaving(now);
  if (active_ != nullptr) overlap_.begin(now);
  LaneSubscription& next = subscriptions_[link];
  next.open(owner_.connect(*master_, link), master_->host, owner_.login(), channels_, now,
            [this, &next](std::string_view batch) { on_batch(next, batch); });
  coming_ = &next;
}

void LaneHome::take_over(TimePoint now) {
  if (active_ != nullptr) leave(*active_, now);
  active_ = std::exchange(coming_, nullptr);
  ++life_;
  last_heard_ = now;
  next_heartbeat_ = now;
  heartbeat_since_.reset();
  is_unheard_ = false;
  is_proven_ = false;
}

/// What is published there until its master knows counts as heard.
void LaneHome::leave(LaneSubscription& subscription, TimePoint now) {
  drain(subscription, now);
  subscription.leave();
  subscription.flush();
  leaving_ = &subscription;
  left_at_ = now;
  overlap_.begin(now);
}

void LaneHome::end_leaving(TimePoint now) {
  drain(*leaving_, now);
  if (active_ != nullptr) drain(*active_, now);
  leaving_->close();
  leaving_ = nullptr;
}

void LaneHome::drain(LaneSubscription& subscription, TimePoint now) {
  for (int reads = 0; reads < kLastReads; ++reads) {
    pollfd entry = subscription.poll_entry(now);
    entry.events = POLLIN;
    if (entry.fd < 0 || ::poll(&entry, 1, 0) <= 0) return;
    subscription.on_poll(entry.revents, now);
  }
}

void LaneHome::lose(std::string_view why, bool has_moved, TimePoint now) {
  active_->close();
  active_ = nullptr;
  ++life_;
  heartbeat_since_.reset();
  is_unheard_ = false;
  overlap_.begin(now);
  if (coming_ == nullptr) retry_at_ = now + retry_pause_.next();
  if (has_moved) owner_.on_home_moved();
  if (is_up_ && (has_moved || coming_ != nullptr)) {
    lost_since_ = now;
    lost_why_ = why;
  } else {
    go_down(why);
  }
}

void LaneHome::on_batch(const LaneSubscription& from, std::string_view batch) {
  if (&from == active_) {
    last_heard_ = now_;
    heartbeat_since_.reset();
    is_proven_ = true;
    if (!is_up_) {
      is_up_ = true;
      owner_.on_home_up();
    }
  }
  if (holds_back() && held_bytes_ < kMostHeldBytes) {
    held_back_.emplace_back(batch);
    held_bytes_ += batch.size();
  } else {
    pass_on(batch);
  }
}

/// While there are two subscriptions. What the former master publishes may arrive later than what
/// others then publish at the new one; and once the former one is a replica of the new one, it
/// passes on what is published there, but perhaps not the first of it.
bool LaneHome::holds_back() const {
  return leaving_ != nullptr || (coming_ != nullptr && active_ != nullptr);
}

void LaneHome::pass_on_held() {
  std::vector<std::string> held = std::exchange(held_back_, {});
  held_bytes_ = 0;
  std::ranges::stable_sort(held, {}, [](const std::string& batch) {
    const BatchReader reader(batch);
    return std::pair(reader.sender(), reader.number());
  });
  for (const std::string& batch : held) pass_on(batch);
}

void LaneHome::pass_on(std::string_view batch) {
  switch (overlap_.judge(batch, now_)) {
    case LaneOverlap::Verdict::fresh:
      owner_.on_home_batch(batch, LaneWay::Order::kept);
      break;
    case LaneOverlap::Verdict::late:
      owner_.on_home_batch(batch, LaneWay::Order::late);
      break;
    case LaneOverlap::Verdict::repeated:
      break;
  }
}

// ---- The heartbeat ------------------------------------------------------------------------------

void LaneHome::send_heartbeat(LanePublisher& publisher, TimePoint now) {
  heartbeat_since_ = now;
  publisher.publish_heartbeat(
      channels_.front(), heartbeat_, now,
      [this, life = life_](const redisReply* reply) { on_heartbeat_reply(life, reply); });
}

void LaneHome::on_heartbeat_reply(std::uint64_t life, const redisReply* reply) {
  if (life != life_) return;
  const auto repeat = [this] {
    heartbeat_since_.reset();
    next_heartbeat_ = now_ + kHeartbeatPause;
  };
  if (reply == nullptr) {
    repeat();
  } else if (!is_error(*reply)) {
    is_unheard_ = reply->integer == 0;
  } else if (text_of(*reply).starts_with("MOVED ")) {
    repeat();
    owner_.on_home_moved();
  } else {
    refusal_ = describe_refusal("SPUBLISH", text_of(*reply));
  }
}

// ---- Events -------------------------------------------------------------------------------------

pollfd LaneHome::poll_entry(std::size_t link, TimePoint now) const {
  return subscriptions_[link].poll_entry(now);
}

void LaneHome::on_poll(std::size_t link, short events, TimePoint now) {
  now_ = now;
  LaneSubscription& subscription = subscriptions_[link];
  // What was published before the slot moved comes first.
  if (&subscription == coming_ && active_ != nullptr) drain(*active_, now);
  subscription.on_poll(events, now);
  watch(now);
}

void LaneHome::flush(TimePoint now) {
  now_ = now;
  for (LaneSubscription& each : subscriptions_) each.flush();
}

void LaneHome::tick(TimePoint now) {
  now_ = now;
  watch(now);
}

TimePoint LaneHome::due() const {
  if (coming_ != nullptr && coming_->has_ended()) return TimePoint{};
  const bool waits = coming_ == nullptr && active_ == nullptr && master_;
  return waits ? retry_at_ : TimePoint::max();
}

void LaneHome::restart_clocks(TimePoint now) {
  for (LaneSubscription& each : subscriptions_) each.restart_clocks(now);
  last_heard_ = now;
  if (heartbeat_since_) heartbeat_since_ = now;
}

void LaneHome::watch(TimePoint now) {
  if (leaving_ != nullptr && (leaving_->has_ended() || now - left_at_ > kFarewell)) {
    end_leaving(now);
  }
  if (coming_ != nullptr) watch_coming(now);
  if (active_ != nullptr) watch_active(now);
  if (is_lost() && now - lost_since_ > kMoveTime) go_down(std::string(lost_why_));
  const bool is_there = active_ != nullptr && master_ && active_->master() == master_->host;
  if (master_ && !is_there && coming_ == nullptr && now >= retry_at_) subscribe(now);
  if (!held_back_.empty() && !holds_back()) pass_on_held();
}

void LaneHome::watch_coming(TimePoint now) {
  if (!master_ || coming_->master() != master_->host) {
    coming_->close();
    coming_ = nullptr;
    return;
  }
  if (coming_->is_ready()) return take_over(now);
  const auto why = coming_->why_ended(now);
  if (!why) return;
  const bool has_moved = coming_->has_slot_moved();
  coming_->close();
  coming_ = nullptr;
  retry_at_ = now + retry_pause_.next();
  if (has_moved) owner_.on_home_moved();
  if (!is_up_) {
    go_down(*why);
  } else if (active_ == nullptr) {
    lost_why_ = *why;
  }
}

void LaneHome::watch_active(TimePoint now) {
  if (const auto why = active_->why_ended(now)) {
    const LanePublisher* const publisher = owner_.home_publisher();
    const bool is_there = publisher != nullptr && publisher->master().host == active_->master();
    if (is_up_ && active_->is_cut() && is_there && publisher->is_intact()) owner_.on_home_cut();
    return lose(*why, active_->has_slot_moved(), now);
  }
  if (!refusal_.empty()) return lose(std::exchange(refusal_, {}), false, now);
  if (is_unheard_)
    return lose("Redis has lost the subscription to this broker's channels", true, now);
  const milliseconds patience = is_up_ ? kReplyTimeout : kHandshakeTimeout;
  const bool is_late = heartbeat_since_ && now - *heartbeat_since_ > patience;
  if (is_late || now - last_heard_ > kHeartbeatAfter + kReplyTimeout) {
    return lose("no answer for " + std::to_string(patience.count()) + " ms", false, now);
  }
  if (heartbeat_since_ || now < next_heartbeat_) return;
  if (is_proven_ && now - last_heard_ < kHeartbeatAfter) return;
  LanePublisher* const publisher = owner_.home_publisher();
  // While the slot moves, the heartbeat would go to where nobody is subscribed yet.
  if (publisher == nullptr || publisher->master().host != active_->master()) return;
  send_heartbeat(*publisher, now);
}

}  // namespace crolang::redis_registry
