#include "redis-registry/lane_cluster.hpp"

#include <algorithm>
#include <utility>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{100};
// A gap between ticks that load cannot explain: this process was suspended.
constexpr milliseconds kSuspended{3000};
constexpr std::size_t kOfHome = 2;  // links
// A batch waits for its slot for so long at most.
constexpr milliseconds kLongestHold{1000};
// A broker whose slot has moved is subscribed there after so long at most.
constexpr milliseconds kLately{2000};
// Brokers that have ended are not worth more questions.
constexpr milliseconds kUnheardAsk{1000};
// Until that is tried again.
constexpr milliseconds kUnheardPause{50};
// A master that has been away for less is not worth a word.
constexpr milliseconds kPatience{1000};

/// nullptr: nobody serves it.
const HostPort* master_in(const SlotMap& slots, Slot slot) {
  const auto master = slots.master_of(slot);
  return master ? &slots.masters()[*master] : nullptr;
}

bool is_same(const HostPort* one, const HostPort* other) {
  return one == nullptr || other == nullptr ? one == other : *one == *other;
}

}  // namespace

LaneCluster::LaneCluster(std::vector<std::string> channels, std::string heartbeat,
                         LaneWay::ClusterOwner& owner, const LaneTraffic& traffic)
    : home_slot_(slot_of(channels.front())),
      owner_(owner),
      traffic_(traffic.messages),
      home_(std::move(channels), std::move(heartbeat), *this, traffic.subscription) {}

// ---- Where to connect ---------------------------------------------------------------------------

void LaneCluster::serve(LaneTarget target, TimePoint now) {
  now_ = now;
  last_tick_ = now;
  if (target_) {
    close_all();
    owner_.on_lane_down("the service has connected again");
  }
  target_ = std::move(target);
  apply(now);
}

void LaneCluster::leave(std::string_view why, TimePoint now) {
  now_ = now;
  close_all();
  if (!target_) return;
  target_.reset();
  owner_.on_lane_down(why);
}

void LaneCluster::drop(std::string_view why, TimePoint now) {
  now_ = now;
  if (!target_) return;
  close_all();
  apply_at_ = now + retry_pause_.next();
  owner_.on_lane_down(why);
}

void LaneCluster::close_all() {
  home_.close();
  by_master_.clear();
  publishers_.clear();
  former_.clear();
  proven_.clear();
  held_.clear();
  unpublished_.clear();
  unheard_.clear();
  has_transit_ = false;
  apply_at_.reset();
}

void LaneCluster::change_target(LaneTarget target, TimePoint now) {
  now_ = now;
  if (!target_) return;
  // First of all: it is told only once.
  const auto former = std::exchange(target_->slots, nullptr);
  target_ = std::move(target);
  if (former != target_->slots) {
    former_.push_back({now + kLately, former});
    std::erase_if(proven_, [&](Slot slot) {
      return !is_same(master_in(*former, slot), master_in(*target_->slots, slot));
    });
  }
  if (!apply_at_) apply(now);
}

void LaneCluster::apply(TimePoint now) {
  apply_at_ = now;
  const auto& masters = target_->slots->masters();
  by_master_.assign(masters.size(), nullptr);
  for (std::size_t i = 0; i < std::min(masters.size(), target_->masters.size()); ++i) {
    by_master_[i] = publisher_at(target_->masters[i], now);
  }
  for (const auto& each : publishers_) {
    if (each && std::ranges::find(by_master_, each.get()) == by_master_.end()) each->retire(now);
  }
  apply_at_.reset();
  const LanePublisher* const home = publisher_of(home_slot_);
  home_.move(home == nullptr ? nullptr : &home->master(), now);
  release();
}

LanePublisher* LaneCluster::publisher_at(const Dialer::Target& master, TimePoint now) {
  auto place = std::ranges::find_if(
      publishers_, [&](const auto& each) { return each && each->master().host == master.host; });
  if (place != publishers_.end()) {
    if (!master.address.empty()) (*place)->change_master(master);
    (*place)->recall();
    return place->get();
  }
  if (master.address.empty()) return nullptr;
  place = std::ranges::find_if(publishers_, [](const auto& each) { return !each; });
  if (place == publishers_.end()) place = publishers_.insert(place, nullptr);
  const auto link = kOfHome + static_cast<std::size_t>(place - publishers_.begin());
  LanePublisher::Owner& self = *this;
  *place = std::make_unique<LanePublisher>(link, master, self, traffic_);
  (*place)->open(now);
  return place->get();
}

LanePublisher* LaneCluster::publisher_of(Slot slot) const {
  const auto master = target_->slots->master_of(slot);
  return master && *master < by_master_.size() ? by_master_[*master] : nullptr;
}

void LaneCluster::ask() {
  alert_until_ = now_ + kLately;
  if (now_ - last_asked_ < kTick) return;
  last_asked_ = now_;
  owner_.on_outdated_slots();
}

std::unique_ptr<Transport> LaneCluster::connect(const LanePublisher& publisher) {
  return owner_.connect(*target_, publisher.master(), publisher.link());
}

std::unique_ptr<Transport> LaneCluster::connect(const Dialer::Target& master, std::size_t link) {
  return owner_.connect(*target_, master, link);
}

// ---- Batches ------------------------------------------------------------------------------------

// Hot: per batch of messages. Allocates nothing but for a slot that moves.
void LaneCluster::publish(std::string_view channel, std::string_view batch, std::uint64_t number,
                          Receiver receiver, TimePoint now) {
  now_ = now;
  const LaneBatch given{number, slot_of(channel), channel, batch};
  LanePublisher* const publisher = target_ && !apply_at_ ? publisher_of(given.slot) : nullptr;
  const bool waits = (!held_.is_empty() && held_.has(given.slot)) || is_in_transit(given.slot) ||
                     (publisher != nullptr && publisher->is_starting()) || is_probed(given.slot);
  if (waits) {
    hold(given, {}, false);
  } else if (publisher != nullptr && publisher->is_up()) {
    publisher->publish(given, now);
  } else if (target_ && receiver == Receiver::alive) {
    // It knows of a new master already.
    ask();
    hold(given, {}, false);
  } else {
    unpublished_.push_back(number);
  }
}

void LaneCluster::on_answer(const LanePublisher& at, const LaneBatch& batch, long long receivers,
                            std::string_view error) {
  if (error.starts_with("MOVED ")) {
    ask();
    return hold(batch, at.master().host, false);
  }
  if (error.empty() && receivers == 0) {
    if (now_ - last_unheard_ >= kUnheardAsk) {
      last_unheard_ = now_;
      ask();
    }
    if (has_moved_lately(batch.slot)) {
      std::erase(proven_, batch.slot);
      return hold(batch, {}, true);
    }
  }
  if (receivers > 0 && !former_.empty()) note_heard(batch);
  owner_.on_published(batch.number, receivers, error);
}

bool LaneCluster::has_moved_lately(Slot slot) const {
  const HostPort* const master = master_in(*target_->slots, slot);
  return std::ranges::any_of(former_, [&](const Former& each) {
    return now_ < each.until && !is_same(master_in(*each.slots, slot), master);
  });
}

bool LaneCluster::is_in_transit(Slot slot) const {
  if (!has_transit_) return false;
  const LanePublisher* const own = publisher_of(slot);
  return std::ranges::any_of(publishers_, [&](const auto& each) {
    return each && each.get() != own && each->unanswered().has(slot);
  });
}

void LaneCluster::hold(const LaneBatch& batch, HostPort refused_by, bool was_unheard) {
  const TimePoint deadline = batch.deadline == TimePoint{} ? now_ + kLongestHold : batch.deadline;
  held_.add({batch.number, batch.slot, deadline, was_unheard ? now_ + kUnheardPause : TimePoint{},
             std::move(refused_by), was_unheard, std::string(batch.channel),
             std::string(batch.text)});
}

void LaneCluster::release() {
  has_transit_ = false;
  for (const auto& each : publishers_) {
    if (!each) continue;
    each->unanswered().for_each([&](std::uint64_t, Slot slot) {
      has_transit_ = has_transit_ || publisher_of(slot) != each.get();
    });
  }
  if (held_.is_empty()) return;
  held_.release([this](const LaneHeld::Held& each) {
    if (now_ >= each.deadline) {
      (each.was_unheard ? unheard_ : unpublished_).push_back(each.number);
      return false;
    }
    LanePublisher* const publisher = publisher_of(each.slot);
    if (publisher == nullptr || !publisher->is_up()) return true;
    if (publisher->master().host == each.refused_by || now_ < each.not_before) return true;
    if (is_in_transit(each.slot) || is_probed(each.slot)) return true;
    publisher->publish(each.view(), now_);
    return false;
  });
}

bool LaneCluster::is_probed(Slot slot) const {
  if (former_.empty() || std::ranges::find(proven_, slot) != proven_.end()) return false;
  const LanePublisher* const publisher = publisher_of(slot);
  return publisher != nullptr && publisher->unanswered().has(slot) && has_moved_lately(slot);
}

void LaneCluster::note_heard(const LaneBatch& batch) {
  const bool is_proven = std::ranges::find(proven_, batch.slot) != proven_.end();
  if (!is_proven && has_moved_lately(batch.slot)) proven_.push_back(batch.slot);
  // What nobody has heard before this one must not come after it.
  held_.release([&](const LaneHeld::Held& each) {
    if (each.slot != batch.slot || !each.was_unheard || each.number > batch.number) return true;
    unheard_.push_back(each.number);
    return false;
  });
}

void LaneCluster::on_lost(const LaneBatches& batches) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(batches.size());
  batches.for_each([&](std::uint64_t batch, Slot) { numbers.push_back(batch); });
  // Not if some were sent again.
  std::ranges::sort(numbers);
  owner_.on_batches_lost(numbers);
}

void LaneCluster::tell_results() {
  // One may lead to others.
  for (const std::uint64_t each : std::exchange(unheard_, {})) owner_.on_published(each, 0, {});
  if (unpublished_.empty()) return;
  std::vector<std::uint64_t> unpublished = std::exchange(unpublished_, {});
  std::ranges::sort(unpublished);
  owner_.on_unpublished(unpublished);
}

// ---- Events -------------------------------------------------------------------------------------

void LaneCluster::on_down(const LanePublisher& publisher, std::string_view why, TimePoint since) {
  if (!is_up() && &publisher == publisher_of(home_slot_)) owner_.on_lane_down(why);
  if (now_ - since >= kPatience) owner_.on_master_away(publisher.master().host, why);
}

LanePublisher* LaneCluster::home_publisher() {
  LanePublisher* const publisher = publisher_of(home_slot_);
  return publisher != nullptr && publisher->is_up() ? publisher : nullptr;
}

void LaneCluster::on_home_down(std::string_view why) {
  // The owner answers all that is open.
  held_.clear();
  unpublished_.clear();
  unheard_.clear();
  owner_.on_lane_down(why);
}

bool LaneCluster::is_ready() const {
  return is_up() && std::ranges::none_of(
                        publishers_, [](const auto& each) { return each && each->is_starting(); });
}

void LaneCluster::flush(TimePoint now) {
  now_ = now;
  for (const auto& each : publishers_) {
    if (each) each->flush(now);
  }
  home_.flush(now);
  tell_results();
}

std::span<const pollfd> LaneCluster::poll_entries(TimePoint now) {
  poll_entries_.resize(kOfHome + publishers_.size(), pollfd{-1, 0, 0});
  for (std::size_t link = 0; link < kOfHome; ++link) {
    poll_entries_[link] = home_.poll_entry(link, now);
  }
  const bool is_urgent = now < alert_until_ || has_transit_ || !held_.is_empty();
  for (std::size_t i = 0; i < publishers_.size(); ++i) {
    poll_entries_[kOfHome + i] =
        publishers_[i] ? publishers_[i]->poll_entry(is_urgent, now) : pollfd{-1, 0, 0};
  }
  return poll_entries_;
}

void LaneCluster::on_poll(std::size_t link, short events, TimePoint now) {
  if (events == 0) return;
  now_ = now;
  if (link < kOfHome) {
    home_.on_poll(link, events, now);
  } else if (link - kOfHome < publishers_.size() && publishers_[link - kOfHome]) {
    publishers_[link - kOfHome]->on_poll(events, now);
    // It may have waited for this one.
    if (home_.is_busy()) home_.tick(now);
  }
  if (has_transit_ || !held_.is_empty()) release();
}

void LaneCluster::tick(TimePoint now) {
  now_ = now;
  if (!target_) return;
  if (is_up() && now - last_tick_ > kSuspended) {
    for (const auto& each : publishers_) {
      if (each) each->restart_clocks(now);
    }
    home_.restart_clocks(now);
  }
  last_tick_ = now;
  if (apply_at_) {
    if (now >= *apply_at_) apply(now);
    return;
  }
  for (const auto& each : publishers_) {
    if (each) each->tick(now);
  }
  end_retired(now);
  home_.tick(now);
  while (!former_.empty() && now >= former_.front().until) former_.pop_front();
  if (former_.empty()) proven_.clear();
  release();
  if (home_.is_lost() || !held_.is_empty()) ask();
  flush(now);
}

void LaneCluster::end_retired(TimePoint now) {
  for (auto& each : publishers_) {
    if (!each || !each->is_done(now)) continue;
    each->end(now);
    each.reset();
  }
}

TimePoint LaneCluster::due() const {
  if (!target_) return TimePoint::max();
  if (apply_at_) return *apply_at_;
  bool is_busy = home_.is_busy() || !held_.is_empty();
  TimePoint due = home_.due();
  for (const auto& each : publishers_) {
    if (!each) continue;
    is_busy = is_busy || !each->is_idle() || each->is_retired();
    due = std::min(due, each->due());
  }
  return std::min(due, last_tick_ + (is_busy ? kTick : kHeartbeatAfter));
}

}  // namespace crolang::redis_registry
