#include "redis-registry/cluster.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "redis-registry/peer_format.hpp"
#include "redis-registry/redis_reply.hpp"
#include "redis-registry/shard_plan.hpp"

namespace crolang::redis_registry {

using plugin::Status;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kWhileWaiting{10};
constexpr milliseconds kTick{100};
constexpr milliseconds kSuspended{1000};
// How long a server without slots is kept after a slot was being moved to it.
constexpr milliseconds kEmptyShardTime{10'000};
// The number of hash tags that are tried; half of them suffice for a server with ten slots.
constexpr std::size_t kMostTags = SlotMap::kSlots;

std::string heartbeat_of(std::string_view instance) {
  std::string batch;
  append_head(batch, instance);
  return batch;
}

std::vector<HostPort> seeds_of(const Endpoint& endpoint, const HostPort& node) {
  std::vector<HostPort> seeds{node};
  for (const HostPort& each : endpoint.hosts) {
    if (each != node) seeds.push_back(each);
  }
  return seeds;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

Cluster::Cluster(ServiceContext& context, Shards& shards, const HostPort& node, Owner& owner)
    : context_(context),
      shards_(shards),
      owner_(owner),
      channel_(context.channel(context.instance)),
      heartbeat_(heartbeat_of(context.instance)),
      own_slot_(slot_of(channel_)),
      watch_(seeds_of(context.options.endpoint, node), shards.front()->connection().target().login,
             shards.front()->connection().target().tls, context.statistics.traffic.slots),
      login_(shards.front()->connection().target().login),
      tls_(shards.front()->connection().target().tls),
      redirecting_(context, *this),
      mailbox_(channel_, *this, context.statistics.traffic.subscription),
      by_slot_(SlotMap::kSlots, shards.front().get()),
      last_tick_(context.now) {
  shards.front()->leases().join_cluster(*this);
}

// ---- Events -------------------------------------------------------------------------------------

void Cluster::change_access(Login login, TlsContext tls) {
  login_ = login;
  tls_ = tls;
  is_target_old_ = true;
  watch_.change_access(std::move(login), std::move(tls));
}

void Cluster::add_poll_entries(std::vector<pollfd>& entries) const {
  entries.push_back(watch_.poll_entry(context_.now));
  entries.push_back(mailbox_.poll_entry(context_.now));
}

void Cluster::on_poll(std::span<const pollfd> entries) {
  watch_.on_poll(entries[0].revents, context_.now);
  mailbox_.on_poll(entries[1].revents, context_.now);
}

void Cluster::tick() {
  const TimePoint now = context_.now;
  if (now - last_tick_ > kSuspended) {
    watch_.restart_clocks(now);
    mailbox_.restart_clocks(now);
  }
  last_tick_ = now;
  watch_.tick(now);
  if (applied_ != watch_.number()) {
    apply_map();
  }
  report_fault();
  if (watch_.slots() != nullptr) note_named();
  const bool is_any_due = std::exchange(must_hand_over_, false);
  for (const auto& shard : shards_) {
    // A release may have been in flight when the slot was handed over.
    if (is_any_due || shard->leases().has_strays()) hand_over(*shard);
  }
  redirecting_.run_due();
  close_shards();
  locate_channel();
  mailbox_.tick(now);
  if (mailbox_.is_up()) why_closed_.clear();
  if (std::exchange(is_target_old_, false)) find_redis_target();
}

milliseconds Cluster::poll_timeout() const {
  const bool is_busy =
      redirecting_.is_waiting() || is_target_old_ || must_hand_over_ || applied_ != watch_.number();
  return is_busy ? kWhileWaiting : kTick;
}

void Cluster::close() {
  watch_.close();
  mailbox_.close();
  redirecting_.run_all();
}

void Cluster::report_fault() {
  if (watch_.failed_at() == reported_failure_ || watch_.fault().empty()) return;
  reported_failure_ = watch_.failed_at();
  if (applied_ == 0) {
    shards_.front()->report_down(watch_.fault());
  } else {
    context_.warn("the slots of the cluster are no longer known: " + watch_.fault());
  }
}

void Cluster::note_named() {
  const std::vector<HostPort>& masters = watch_.slots()->masters();
  for (const auto& shard : shards_) {
    if (!shard->master()) continue;
    // With a single master only an administrator can promote a replica.
    const bool asks_others = masters.size() > 1;
    if (asks_others && was_asked(*shard)) {
      if (shard->is_up() && shard->leases().await_naming()) watch_.ask_another();
    } else if (std::ranges::find(masters, shard->master()) != masters.end()) {
      shard->connection().note_named(watch_.asked_at());
    }
  }
}

bool Cluster::was_asked(const Shard& shard) const {
  if (shard.master() == watch_.asked()) return true;
  // By a name in REDIS_URL.
  return shard.master()->port == watch_.asked().port && address_of(shard) == watch_.asked_address();
}

// ---- The map ------------------------------------------------------------------------------------

Shard* Cluster::find(const HostPort& master) {
  const auto found =
      std::ranges::find_if(shards_, [&](const auto& shard) { return shard->master() == master; });
  return found == shards_.end() ? nullptr : found->get();
}

Shard& Cluster::add_shard(HostPort master) {
  shards_.push_back(owner_.make_shard());
  Shard& shard = *shards_.back();
  shard.leases().join_cluster(*this);
  shard.lead_to(std::move(master), context_.now);
  return shard;
}

void Cluster::apply_map() {
  const SlotMap& slots = *watch_.slots();
  const bool is_first = !shards_.front()->master();
  warn_of_uncovered_slots();
  if (slots.masters().empty()) {
    applied_ = watch_.number();
    return;
  }
  std::vector<std::optional<HostPort>> masters;
  std::vector<std::uint16_t> owners(SlotMap::kSlots, kNoShard);
  for (std::size_t at = 0; at < shards_.size(); ++at) {
    masters.push_back(shards_[at]->master());
    for (std::size_t slot = 0; slot < SlotMap::kSlots; ++slot) {
      if (by_slot_[slot] == shards_[at].get()) owners[slot] = static_cast<std::uint16_t>(at);
    }
  }
  const ShardPlan plan = plan_shards(masters, owners, slots);
  std::vector<Shard*> by_master;
  for (std::size_t next = 0; next < slots.masters().size(); ++next) {
    const auto before = plan.continues[next];
    by_master.push_back(before ? shards_[*before].get() : &add_shard(slots.masters()[next]));
    if (!before && !is_first) on_joining(*by_master.back());
  }
  if (!is_first && is_awaiting_joining(by_master)) return;
  joining_since_.reset();
  std::vector<Shard*> by_slot = by_slot_;
  for (std::size_t slot = 0; slot < SlotMap::kSlots; ++slot) {
    // A slot without a master stays assigned to its previous shard.
    const auto next = slots.master_of(static_cast<Slot>(slot));
    if (next) by_slot[slot] = by_master[*next];
  }
  take_over(std::move(by_slot));
  choose_tags();
  for (std::size_t next = 0; next < by_master.size(); ++next) {
    by_master[next]->lead_to(slots.masters()[next], context_.now);
  }
  applied_ = watch_.number();
  is_target_old_ = true;
}

void Cluster::on_joining(Shard& joining) {
  // Its slots come from other masters, with their keys.
  joining.leases().trust_next_server();
  joining.note_asked(context_.now);
  if (!joining_since_) joining_since_ = context_.now;
}

bool Cluster::is_awaiting_joining(const std::vector<Shard*>& masters) const {
  if (!joining_since_ || context_.now - *joining_since_ >= RetryQueue::kTimeout) return false;
  // Until then requests for its slots go to the previous masters, which redirect them.
  return std::ranges::any_of(
      masters, [](const Shard* shard) { return shard->asked_at() && !shard->has_been_up(); });
}

void Cluster::take_over(std::vector<Shard*> by_slot) {
  std::set<Shard*> previous_shards;
  for (std::size_t slot = 0; slot < SlotMap::kSlots; ++slot) {
    if (by_slot_[slot] == by_slot[slot]) continue;
    previous_shards.insert(by_slot_[slot]);
    // Then it is unknown whether the keys were moved as well.
    const bool is_known = by_slot_[slot]->was_up_lately(context_.now) || !by_slot_[slot]->master();
    if (!is_known) by_slot[slot]->leases().pause_claims();
  }
  by_slot_ = std::move(by_slot);
  for (Shard* const previous : previous_shards) hand_over(*previous);
}

void Cluster::hand_over(Shard& from) {
  for (const auto& to : shards_) {
    if (to.get() == &from) continue;
    from.leases().hand_over(
        to->leases(), [&](std::string_view id) { return &of_key(context_.key(id)) == to.get(); });
  }
}

void Cluster::choose_tags() {
  std::set<const Shard*> without(by_slot_.begin(), by_slot_.end());
  for (std::size_t tag = 0; tag < kMostTags && !without.empty(); ++tag) {
    Shard& shard = of_key(context_.run_key() + ":{" + std::to_string(tag) + "}");
    if (without.erase(&shard) > 0) shard.set_tag(tag);
  }
  for (const auto& shard : shards_) {
    if (without.contains(shard.get())) shard->set_tag(std::nullopt);
  }
}

void Cluster::close_shards() {
  for (std::size_t at = 0; at < shards_.size();) {
    Shard& shard = *shards_[at];
    const bool is_joining = shard.asked_at() && context_.now - *shard.asked_at() < kEmptyShardTime;
    const bool is_needed =
        shards_.size() == 1 || is_joining || std::ranges::find(by_slot_, &shard) != by_slot_.end();
    if (is_needed) {
      ++at;
      continue;
    }
    // Answers every command that was not redirected to another server.
    shard.connection().close();
    leaving_.push_back(std::move(shards_[at]));
    shards_.erase(shards_.begin() + static_cast<std::ptrdiff_t>(at));
    is_target_old_ = true;
  }
  // Pending releases are handed over to the other shards.
  for (const auto& shard : leaving_) hand_over(*shard);
  std::erase_if(leaving_, [](const auto& shard) { return !shard->leases().is_awaiting_answers(); });
}

void Cluster::warn_of_uncovered_slots() {
  if (std::exchange(checked_map_, watch_.number()) == watch_.number()) return;
  if (watch_.slots()->covers_all()) return;
  const SlotMap& slots = *watch_.slots();
  if (slots.masters().empty()) {
    shards_.front()->report_down(
        "no slot of the cluster is served: give it all of them (redis-cli --cluster create, or "
        "--cluster fix)");
    return;
  }
  std::size_t missing = 0;
  for (std::size_t slot = 0; slot < SlotMap::kSlots; ++slot) {
    if (!slots.master_of(static_cast<Slot>(slot))) ++missing;
  }
  context_.host.log(plugin::LogLevel::warn,
                    "REDIS_URL: " + std::to_string(missing) + " of " +
                        std::to_string(SlotMap::kSlots) +
                        " slots of the cluster have no master, so nodes are refused: give "
                        "them a master (redis-cli --cluster fix)");
}

// ---- Commands -----------------------------------------------------------------------------------

RedisConnection* Cluster::serving(Slot slot) {
  Shard& shard = of_slot(slot);
  return shard.is_up() ? &shard.connection() : nullptr;
}

RedisConnection* Cluster::at(const HostPort& server) {
  Shard* shard = find(server);
  if (shard == nullptr) {
    shard = &add_shard(server);
    on_joining(*shard);
  }
  shard->note_asked(context_.now);
  return shard->is_up() ? &shard->connection() : nullptr;
}

LeaseManager& Cluster::manager_of(const OwnedLease& lease) const {
  LeaseManager& by_id = of_key(context_.key(lease.id)).leases();
  if (by_id.contains(lease.token)) return by_id;
  for (const auto& shard : shards_) {
    if (shard->leases().contains(lease.token)) return shard->leases();
  }
  for (const auto& shard : leaving_) {
    if (shard->leases().contains(lease.token)) return shard->leases();
  }
  return by_id;
}

void Cluster::again(Take take) {
  redirecting_.retry_later([this, asked = std::move(take)]() mutable {
    LeaseManager& before = manager_of(asked.claim);
    if (!before.contains(asked.claim.token)) {
      asked.answer.fail(Status::unavailable, "the claim was withdrawn");
      return;
    }
    before.forget(asked.claim.token);
    of_key(context_.key(asked.claim.id)).leases().take(asked);
  });
}

void Cluster::again(Announce announce) {
  redirecting_.retry_later(
      [this, asked = std::move(announce)]() mutable { manager_of(asked.claim).announce(asked); });
}

void Cluster::on_held(LeaseManager& by, std::string_view id) {
  if (&of_key(context_.key(id)).leases() != &by) must_hand_over_ = true;
}

// ---- This broker's channel ----------------------------------------------------------------------

void Cluster::locate_channel() {
  const Shard& home = of_slot(own_slot_);
  if (!home.is_up()) {
    mailbox_.set_master(nullptr, context_.now);
    return;
  }
  const RedisTarget target = home.connection().target();
  // While the shard changes its server, its address is still that of the previous one.
  mailbox_.set_master(target.tcp.host == home.master() ? &target : nullptr, context_.now);
}

void Cluster::send_heartbeat(std::uint64_t generation) {
  redirecting_.send(own_slot_, std::array<std::string_view, 3>{"SPUBLISH", channel_, heartbeat_},
                    Redirecting::Urgency::at_once, [this, generation](const redisReply* reply) {
                      if (reply != nullptr && text_of(*reply).starts_with("NOPERM")) {
                        on_mailbox_refused(text_of(*reply));
                      }
                      mailbox_.on_heartbeat(
                          generation,
                          has_failed(reply) ? std::nullopt : std::optional(reply->integer),
                          context_.now);
                    });
}

void Cluster::on_mailbox_refused(std::string_view why) {
  why_closed_ = "REDIS_URL: this broker's channel cannot be used (" + std::string(why) +
                "): give the user +ssubscribe +spublish and &" + context_.options.key_prefix + "*";
  context_.warn(why_closed_);
}

std::string Cluster::address_of(const Shard& shard) const {
  const RedisTarget target = shard.connection().target();
  if (target.tcp.host == shard.master() && !target.tcp.address.empty()) return target.tcp.address;
  return is_address(shard.master()->host) ? shard.master()->host : std::string();
}

void Cluster::find_redis_target() {
  std::optional<RedisTarget> target = redis_target();
  const auto is_same = [](const Dialer::Target& one, const Dialer::Target& other) {
    return one.host == other.host && one.address == other.address;
  };
  if (target && target_ && target->slots == target_->slots && target->login == target_->login &&
      target->tls == target_->tls &&
      std::ranges::equal(target->masters, target_->masters, is_same)) {
    return;
  }
  target_ = std::move(target);
  owner_.on_redis_target();
}

std::optional<RedisTarget> Cluster::redis_target() const {
  if (watch_.slots() == nullptr || watch_.slots()->masters().empty()) return std::nullopt;
  RedisTarget target{{}, shards_.front()->connection().target().tcp, tls_, login_, watch_.slots(),
                     {}};
  for (const HostPort& master : target.slots->masters()) {
    Dialer::Target each{master, {}};
    const auto found =
        std::ranges::find_if(shards_, [&](const auto& shard) { return shard->master() == master; });
    if (found != shards_.end()) each.address = address_of(**found);
    target.masters.push_back(std::move(each));
  }
  if (const auto home = target.slots->master_of(own_slot_)) target.tcp = target.masters[*home];
  return target;
}

}  // namespace crolang::redis_registry
