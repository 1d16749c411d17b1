#include "redis-registry/worker_cluster_connection.hpp"

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
constexpr milliseconds kUnreceivedAsk{1000};
// Until that is tried again.
constexpr milliseconds kUnreceivedPause{50};
// A master that has been away for less is not worth a word.
constexpr milliseconds kTimeout{1000};

/// nullptr: nobody serves it.
const HostPort* master_in(const SlotMap& slots, Slot slot) {
  const auto master = slots.master_of(slot);
  return master ? &slots.masters()[*master] : nullptr;
}

bool is_same(const HostPort* one, const HostPort* other) {
  return one == nullptr || other == nullptr ? one == other : *one == *other;
}

}  // namespace

WorkerClusterConnection::WorkerClusterConnection(std::vector<std::string> channels,
                                                 std::string heartbeat,
                                                 WorkerPubSub::ClusterOwner& owner,
                                                 const WorkerTraffic& traffic)
    : own_slot_(slot_of(channels.front())),
      owner_(owner),
      traffic_(traffic.messages),
      subscription_(std::move(channels), std::move(heartbeat), *this, traffic.subscription) {}

// ---- Where to connect ---------------------------------------------------------------------------

void WorkerClusterConnection::serve(RedisTarget target, TimePoint now) {
  now_ = now;
  last_tick_ = now;
  if (target_) {
    close_all();
    owner_.on_link_down("the service has connected again");
  }
  target_ = std::move(target);
  apply(now);
}

void WorkerClusterConnection::leave(std::string_view why, TimePoint now) {
  now_ = now;
  close_all();
  if (!target_) return;
  target_.reset();
  owner_.on_link_down(why);
}

void WorkerClusterConnection::drop(std::string_view why, TimePoint now) {
  now_ = now;
  if (!target_) return;
  close_all();
  apply_at_ = now + retry_pause_.next();
  owner_.on_link_down(why);
}

void WorkerClusterConnection::close_all() {
  subscription_.close();
  by_master_.clear();
  publishers_.clear();
  former_.clear();
  proven_.clear();
  held_.clear();
  unpublished_.clear();
  unreceived_.clear();
  has_transit_ = false;
  apply_at_.reset();
}

void WorkerClusterConnection::change_target(RedisTarget target, TimePoint now) {
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

void WorkerClusterConnection::apply(TimePoint now) {
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
  const WorkerPublisher* const home = publisher_of(own_slot_);
  subscription_.move(home == nullptr ? nullptr : &home->master(), now);
  release();
}

WorkerPublisher* WorkerClusterConnection::publisher_at(const Dialer::Target& master,
                                                       TimePoint now) {
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
  WorkerPublisher::Owner& self = *this;
  *place = std::make_unique<WorkerPublisher>(link, master, self, traffic_);
  (*place)->open(now);
  return place->get();
}

WorkerPublisher* WorkerClusterConnection::publisher_of(Slot slot) const {
  const auto master = target_->slots->master_of(slot);
  return master && *master < by_master_.size() ? by_master_[*master] : nullptr;
}

void WorkerClusterConnection::ask() {
  alert_until_ = now_ + kLately;
  if (now_ - last_asked_ < kTick) return;
  last_asked_ = now_;
  owner_.on_outdated_slots();
}

std::unique_ptr<Transport> WorkerClusterConnection::connect(const WorkerPublisher& publisher) {
  return owner_.connect(*target_, publisher.master(), publisher.link());
}

std::unique_ptr<Transport> WorkerClusterConnection::connect(const Dialer::Target& master,
                                                            std::size_t link) {
  return owner_.connect(*target_, master, link);
}

// ---- Batches ------------------------------------------------------------------------------------

// Hot: per batch of messages. Allocates nothing but for a slot that moves.
void WorkerClusterConnection::publish(std::string_view channel, std::string_view batch,
                                      std::uint64_t number, Receiver receiver, TimePoint now) {
  now_ = now;
  const WorkerBatch given{number, slot_of(channel), channel, batch};
  WorkerPublisher* const publisher = target_ && !apply_at_ ? publisher_of(given.slot) : nullptr;
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

void WorkerClusterConnection::on_answer(const WorkerPublisher& at, const WorkerBatch& batch,
                                        long long receivers, std::string_view error) {
  if (error.starts_with("MOVED ")) {
    ask();
    return hold(batch, at.master().host, false);
  }
  if (error.empty() && receivers == 0) {
    if (now_ - last_unreceived_ >= kUnreceivedAsk) {
      last_unreceived_ = now_;
      ask();
    }
    if (has_moved_lately(batch.slot)) {
      std::erase(proven_, batch.slot);
      return hold(batch, {}, true);
    }
  }
  if (receivers > 0 && !former_.empty()) note_received(at, batch);
  owner_.on_published(batch.number, receivers, error);
}

bool WorkerClusterConnection::has_moved_lately(Slot slot) const {
  const HostPort* const master = master_in(*target_->slots, slot);
  return std::ranges::any_of(former_, [&](const Former& each) {
    return now_ < each.until && !is_same(master_in(*each.slots, slot), master);
  });
}

bool WorkerClusterConnection::is_in_transit(Slot slot) const {
  if (!has_transit_) return false;
  const WorkerPublisher* const own = publisher_of(slot);
  return std::ranges::any_of(publishers_, [&](const auto& each) {
    return each && each.get() != own && each->unanswered().has(slot);
  });
}

void WorkerClusterConnection::hold(const WorkerBatch& batch, HostPort refused_by,
                                   bool was_unreceived) {
  const TimePoint deadline = batch.deadline == TimePoint{} ? now_ + kLongestHold : batch.deadline;
  held_.add({batch.number, batch.slot, deadline,
             was_unreceived ? now_ + kUnreceivedPause : TimePoint{}, std::move(refused_by),
             was_unreceived, std::string(batch.channel), std::string(batch.text)});
}

void WorkerClusterConnection::release() {
  has_transit_ = false;
  for (const auto& each : publishers_) {
    if (!each) continue;
    each->unanswered().for_each([&](std::uint64_t, Slot slot) {
      has_transit_ = has_transit_ || publisher_of(slot) != each.get();
    });
  }
  if (held_.is_empty()) return;
  held_.release([this](const HeldBatches::Held& each) {
    if (now_ >= each.deadline) {
      (each.was_unreceived ? unreceived_ : unpublished_).push_back(each.number);
      return false;
    }
    WorkerPublisher* const publisher = publisher_of(each.slot);
    if (publisher == nullptr || !publisher->is_up()) return true;
    if (publisher->master().host == each.refused_by || now_ < each.not_before) return true;
    if (is_in_transit(each.slot) || is_probed(each.slot)) return true;
    publisher->publish(each.view(), now_);
    return false;
  });
}

bool WorkerClusterConnection::is_probed(Slot slot) const {
  if (former_.empty() || std::ranges::find(proven_, slot) != proven_.end()) return false;
  const WorkerPublisher* const publisher = publisher_of(slot);
  return publisher != nullptr && publisher->unanswered().has(slot) && has_moved_lately(slot);
}

void WorkerClusterConnection::note_received(const WorkerPublisher& at, const WorkerBatch& batch) {
  // The former master's answer tells nothing of the present one.
  const bool is_known =
      &at != publisher_of(batch.slot) || std::ranges::find(proven_, batch.slot) != proven_.end();
  if (!is_known && has_moved_lately(batch.slot)) proven_.push_back(batch.slot);
  // What nobody has received before this one must not come after it. Another channel is another
  // worker link's.
  held_.release([&](const HeldBatches::Held& each) {
    if (each.channel != batch.channel || !each.was_unreceived) return true;
    if (each.number > batch.number) return true;
    unreceived_.push_back(each.number);
    return false;
  });
}

void WorkerClusterConnection::on_lost(const WorkerBatches& batches) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(batches.size());
  batches.for_each([&](std::uint64_t batch, Slot) { numbers.push_back(batch); });
  // Not if some were sent again.
  std::ranges::sort(numbers);
  owner_.on_batches_lost(numbers);
}

void WorkerClusterConnection::tell_results() {
  // One may lead to others.
  for (const std::uint64_t each : std::exchange(unreceived_, {})) owner_.on_published(each, 0, {});
  if (unpublished_.empty()) return;
  std::vector<std::uint64_t> unpublished = std::exchange(unpublished_, {});
  std::ranges::sort(unpublished);
  owner_.on_unpublished(unpublished);
}

// ---- Events -------------------------------------------------------------------------------------

void WorkerClusterConnection::on_down(const WorkerPublisher& publisher, std::string_view why,
                                      TimePoint since) {
  if (!is_up() && &publisher == publisher_of(own_slot_)) owner_.on_link_down(why);
  if (now_ - since >= kTimeout) owner_.on_master_away(publisher.master().host, why);
}

WorkerPublisher* WorkerClusterConnection::slot_publisher() {
  WorkerPublisher* const publisher = publisher_of(own_slot_);
  return publisher != nullptr && publisher->is_up() ? publisher : nullptr;
}

void WorkerClusterConnection::on_subscription_down(std::string_view why) {
  // The owner answers all that is open.
  held_.clear();
  unpublished_.clear();
  unreceived_.clear();
  owner_.on_link_down(why);
}

bool WorkerClusterConnection::is_ready() const {
  return is_up() && std::ranges::none_of(
                        publishers_, [](const auto& each) { return each && each->is_starting(); });
}

void WorkerClusterConnection::flush(TimePoint now) {
  now_ = now;
  for (const auto& each : publishers_) {
    if (each) each->flush(now);
  }
  subscription_.flush(now);
  tell_results();
}

std::span<const pollfd> WorkerClusterConnection::poll_entries(TimePoint now) {
  poll_entries_.resize(kOfHome + publishers_.size(), pollfd{-1, 0, 0});
  for (std::size_t link = 0; link < kOfHome; ++link) {
    poll_entries_[link] = subscription_.poll_entry(link, now);
  }
  const bool is_urgent = now < alert_until_ || has_transit_ || !held_.is_empty();
  for (std::size_t i = 0; i < publishers_.size(); ++i) {
    poll_entries_[kOfHome + i] =
        publishers_[i] ? publishers_[i]->poll_entry(is_urgent, now) : pollfd{-1, 0, 0};
  }
  return poll_entries_;
}

void WorkerClusterConnection::on_poll(std::size_t link, short events, TimePoint now) {
  if (events == 0) return;
  now_ = now;
  if (link < kOfHome) {
    subscription_.on_poll(link, events, now);
  } else if (link - kOfHome < publishers_.size() && publishers_[link - kOfHome]) {
    publishers_[link - kOfHome]->on_poll(events, now);
    // It may have waited for this one.
    if (subscription_.is_busy()) subscription_.tick(now);
  }
  if (has_transit_ || !held_.is_empty()) release();
}

void WorkerClusterConnection::tick(TimePoint now) {
  now_ = now;
  if (!target_) return;
  if (is_up() && now - last_tick_ > kSuspended) {
    for (const auto& each : publishers_) {
      if (each) each->restart_clocks(now);
    }
    subscription_.restart_clocks(now);
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
  subscription_.tick(now);
  while (!former_.empty() && now >= former_.front().until) former_.pop_front();
  if (former_.empty()) proven_.clear();
  release();
  if (subscription_.is_lost() || !held_.is_empty()) ask();
  flush(now);
}

void WorkerClusterConnection::end_retired(TimePoint now) {
  for (auto& each : publishers_) {
    if (!each || !each->is_done(now)) continue;
    each->end(now);
    each.reset();
  }
}

TimePoint WorkerClusterConnection::due() const {
  if (!target_) return TimePoint::max();
  if (apply_at_) return *apply_at_;
  bool is_busy = subscription_.is_busy() || !held_.is_empty();
  TimePoint due = subscription_.due();
  for (const auto& each : publishers_) {
    if (!each) continue;
    is_busy = is_busy || !each->is_idle() || each->is_retired();
    due = std::min(due, each->due());
  }
  return std::min(due, last_tick_ + (is_busy ? kTick : kHeartbeatAfter));
}

}  // namespace crolang::redis_registry
