#include "redis-registry/shard.hpp"

#include <chrono>
#include <string>

#include "redis-registry/peer_format.hpp"

namespace crolang::redis_registry {
namespace {

// Shorter than any failover takes.
constexpr std::chrono::milliseconds kMoment{1000};

/// A batch without records.
std::string heartbeat_of(std::string_view instance) {
  std::string batch;
  append_head(batch, instance);
  return batch;
}

}  // namespace

Shard::Shard(ServiceContext& context, PeerTransport& peers, Owner& owner)
    : context_(context),
      owner_(owner),
      statistics_(context.statistics),
      leases_(context, connection_, peers),
      connection_(
          context.options.endpoint, context.options.sentinel, context.options.tls,
          {context.channel(context.instance), heartbeat_of(context.instance), context.run_key()},
          *this, context.statistics.traffic) {}

void Shard::lead_to(HostPort master, TimePoint now) {
  if (master_ == master) return;
  master_ = master;
  connection_.lead_to(std::move(master), now);
}

void Shard::set_tag(std::optional<std::size_t> tag) {
  const std::string end = tag ? ":{" + std::to_string(*tag) + "}" : std::string();
  std::string run_key = tag ? context_.run_key() + end : std::string();
  if (run_key == connection_.run_key()) return;
  connection_.set_run_key(std::move(run_key));
  leases_.set_writable_key(tag ? context_.writable_key() + end : std::string());
  leases_.on_run_key_changed();
}

bool Shard::was_up_lately(TimePoint now) const {
  return is_up() || (lost_at_ && now - *lost_at_ < kMoment);
}

void Shard::on_up() {
  has_been_up_ = true;
  lost_at_.reset();
  Statistics::Found found = Statistics::Found::by_url;
  if (connection_.is_by_sentinels()) found = Statistics::Found::by_sentinels;
  if (connection_.is_in_cluster()) found = Statistics::Found::by_cluster;
  statistics_.on_up({connection_.server(), connection_.run().id, found}, context_.now);
  owner_.on_shard_up(*this);
  leases_.on_connected();
}

void Shard::on_down(std::string_view why) {
  if (has_been_up_ && !lost_at_) lost_at_ = context_.now;
  statistics_.on_down(context_.now);
  owner_.on_shard_down(*this, why);
  leases_.on_disconnected(why);
}

}  // namespace crolang::redis_registry
