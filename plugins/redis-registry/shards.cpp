#include "redis-registry/shards.hpp"

#include <algorithm>

namespace crolang::redis_registry {
namespace {

constexpr std::size_t kOfShard = std::tuple_size_v<RedisConnection::PollEntries>;

}  // namespace

Shards::Shards(ServiceContext& context, PeerTransport& peers, Owner& owner)
    : context_(context),
      peers_(peers),
      owner_(owner),
      sentinel_login_(context.options.sentinel),
      tls_(context.options.tls),
      login_(context.options.endpoint.login) {
  Shard::Owner& self = *this;
  shards_.push_back(std::make_unique<Shard>(context, peers, self));
}

bool Shards::is_any_up() const {
  return std::ranges::any_of(shards_, [](const auto& shard) { return shard->is_up(); });
}

bool Shards::are_restored() const {
  if (cluster_ && !cluster_->why_closed().empty()) return false;
  return std::ranges::all_of(shards_,
                             [](const auto& shard) { return shard->gate().is_restored(); });
}

bool Shards::reaches(std::string_view instance) const {
  if (cluster_ == nullptr) return shards_.front()->is_up();
  return cluster_->is_listening() && cluster_->of_key(context_.channel(instance)).is_up();
}

// ---- Leases -------------------------------------------------------------------------------------

LeaseManager& Shards::manager_of(const OwnedLease& lease) const {
  return cluster_ ? cluster_->manager_of(lease) : shards_.front()->leases();
}

void Shards::take(Take& take) {
  if (cluster_ && !cluster_->why_closed().empty()) {
    take.answer.fail(plugin::Status::unavailable, cluster_->why_closed());
  } else {
    of_id(take.claim.id).leases().take(take);
  }
}

void Shards::forget(std::uint64_t token) {
  for (const auto& shard : shards_) shard->leases().forget(token);
}

void Shards::confirm_takes() {
  for (const auto& shard : shards_) shard->leases().confirm_takes();
}

void Shards::release_all() {
  for (const auto& shard : shards_) shard->leases().release_all();
}

void Shards::expire_withdrawn() {
  for (const auto& shard : shards_) shard->leases().expire_withdrawn();
}

// ---- Access -------------------------------------------------------------------------------------

void Shards::change_access(NewAccess access) {
  sentinel_login_ = std::move(access.sentinel);
  tls_ = std::move(access.tls);
  next_login_ = std::move(access.login);
  const std::uint64_t change = login_change_.begin();
  login_change_.ask();  // so that there is no result before all are asked
  for (const auto& shard : shards_) {
    shard->connection().change_sentinel_access(sentinel_login_, tls_);
    login_change_.ask();
    const bool is_asked = shard->connection().change_login(
        next_login_, context_.now,
        [this, change](LoginChange::Outcome outcome, std::string_view refusal) {
          note_login(change, outcome, refusal);
        });
    if (!is_asked) note_login(change, LoginChange::Outcome::unknown, {});
  }
  note_login(change, LoginChange::Outcome::unknown, {});
}

void Shards::note_login(std::uint64_t change, LoginChange::Outcome outcome,
                        std::string_view refusal) {
  const LoginChange::Result verdict = login_change_.note(change, outcome);
  if (verdict == LoginChange::Result::open) return;
  if (verdict != LoginChange::Result::refused) login_ = next_login_;
  use(login_);
  if (cluster_) cluster_->change_access(login_, tls_);
  if (verdict != LoginChange::Result::unchecked) owner_.on_credentials(refusal);
}

void Shards::use(const Login& login) {
  for (const auto& shard : shards_) {
    shard->connection().change_login(login, context_.now,
                                     [](LoginChange::Outcome, std::string_view) {});
  }
}

// ---- The parts ----------------------------------------------------------------------------------

void Shards::on_shard_up(Shard&) {
  if (cluster_) cluster_->on_shard_changed();
  owner_.on_shard_up();
}

void Shards::on_shard_down(Shard&, std::string_view why) {
  if (cluster_) {
    cluster_->on_shard_changed();
    // It may have been replaced.
    cluster_->note_outdated();
  }
  owner_.on_shard_down(why);
}

void Shards::on_cluster(const HostPort& node) {
  const std::string fault = describe_prefix_in_cluster(context_.options.key_prefix);
  if (!fault.empty()) context_.host.log(plugin::LogLevel::warn, fault);
  Cluster::Owner& self = *this;
  cluster_ = std::make_unique<Cluster>(context_, shards_, node, self);
}

std::unique_ptr<Shard> Shards::make_shard() {
  Shard::Owner& self = *this;
  auto shard = std::make_unique<Shard>(context_, peers_, self);
  // Those of the options may have changed.
  shard->connection().change_sentinel_access(sentinel_login_, tls_);
  shard->connection().change_login(login_, context_.now,
                                   [](LoginChange::Outcome, std::string_view) {});
  return shard;
}

std::optional<RedisTarget> Shards::redis_target() const {
  return cluster_ ? cluster_->redis_target() : shards_.front()->connection().target();
}

void Shards::note_outdated() {
  if (cluster_) cluster_->note_outdated();
}

// ---- Events -------------------------------------------------------------------------------------

void Shards::add_poll_entries(std::vector<pollfd>& entries) const {
  for (const auto& shard : shards_) {
    const auto some = shard->connection().poll_entries(context_.now);
    entries.insert(entries.end(), some.begin(), some.end());
  }
  if (cluster_) cluster_->add_poll_entries(entries);
}

void Shards::on_poll(std::span<const pollfd> entries) {
  // A callback may add shards, which were not polled.
  const std::size_t polled = entries.size() / kOfShard;
  for (std::size_t at = 0; at < polled; ++at) {
    RedisConnection::PollEntries some{};
    std::ranges::copy(entries.subspan(at * kOfShard, kOfShard), some.begin());
    shards_[at]->connection().on_poll(some, context_.now);
  }
  const auto rest = entries.subspan(polled * kOfShard);
  if (!rest.empty()) cluster_->on_poll(rest);
}

std::chrono::milliseconds Shards::poll_timeout() const {
  auto timeout = cluster_ ? cluster_->poll_timeout() : std::chrono::milliseconds::max();
  for (const auto& shard : shards_) timeout = std::min(timeout, shard->connection().poll_timeout());
  return timeout;
}

void Shards::flush() {
  for (const auto& shard : shards_) shard->connection().flush();
  if (cluster_) cluster_->flush();
}

void Shards::tick() {
  // More may be added.
  for (std::size_t at = 0; at < shards_.size(); ++at) {
    shards_[at]->connection().tick(context_.now);
    if (shards_[at]->is_up()) shards_[at]->leases().tick();
  }
  if (cluster_) cluster_->tick();
}

void Shards::drop(std::string_view why) {
  for (const auto& shard : shards_) shard->connection().drop(why, context_.now);
}

bool Shards::are_idle() const {
  return std::ranges::all_of(shards_, [](const auto& shard) {
    const bool has_more = !shard->connection().is_idle() || shard->leases().has_strays();
    return !shard->is_up() || !has_more;
  });
}

void Shards::close() {
  for (const auto& shard : shards_) shard->connection().close();
  if (cluster_) cluster_->close();
}

}  // namespace crolang::redis_registry
