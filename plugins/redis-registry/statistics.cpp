#include "redis-registry/statistics.hpp"

#include <utility>

namespace crolang::redis_registry {
namespace {

TrafficByPurpose make_traffic(const plugin::Metrics& metrics) {
  const auto commands =
      metrics.counters("commands", "Commands sent to Redis and to Sentinels", "purpose");
  const auto sent = metrics.counters("sent_bytes", "Bytes sent to Redis and Sentinels", "purpose");
  const auto received =
      metrics.counters("received_bytes", "Bytes received from Redis and Sentinels", "purpose");
  const auto of = [&](std::string_view purpose) {
    return Traffic{commands.with(purpose), sent.with(purpose), received.with(purpose)};
  };
  return {of("leases"), of("messages"), of("subscription"), of("sentinel"), of("slots")};
}

std::string_view name_of(Statistics::Found found) {
  switch (found) {
    case Statistics::Found::by_url:
      return "standalone";
    case Statistics::Found::by_sentinels:
      return "sentinel";
    case Statistics::Found::by_cluster:
      return "cluster";
  }
  return {};
}

}  // namespace

Statistics::Statistics(const plugin::Host& host, const Options& options) {
  const plugin::Metrics metrics(host);
  traffic = make_traffic(metrics);
  publications = metrics.counter("publications", "Batches of messages published for other brokers");
  claims_unconfirmed = metrics.counter(
      "claims_unconfirmed", "Claims released since too few replicas received them in time");
  connected_ =
      metrics.gauge("connected", "1 while connected to Redis, in a cluster to all its masters");
  servers_ = metrics.gauges("server_info",
                            "Always 1; the label is the server that is used, or was "
                            "used last; in a cluster one for each master",
                            "server");
  modes_ = metrics.gauges("mode_info", "Always 1; the label is what leads to the server", "mode");
  metrics.gauge("tls", "1 if connections to Redis use TLS").set(options.endpoint.tls ? 1 : 0);
  const auto changes = metrics.counters(
      "server_changes", "Connections to another server than before, or to a restarted one",
      "change");
  moved_ = changes.with("server");
  restarted_ = changes.with("restart");
  lost_ = metrics.counter("connections_lost", "Connections to Redis that were lost");
  disconnected_seconds_ =
      metrics.counter("disconnected_seconds", "Time without a connection to Redis");
}

Statistics::Part::~Part() {
  server_.remove();
  --all_.parts_;
  if (is_up_) --all_.up_;
}

void Statistics::Part::on_up(const Server& server, TimePoint now) {
  if (!std::exchange(is_up_, true)) ++all_.up_;
  all_.count_parts(now);
  note_server(server);
}

void Statistics::Part::note_server(const Server& server) {
  if (!place_.empty()) {
    if (server.place != place_) {
      all_.moved_.add();
    } else if (server.run_id != run_id_ && !server.run_id.empty() && !run_id_.empty()) {
      all_.restarted_.add();
    }
  }
  // One at a time, however often it changes.
  if (server.place != place_) {
    server_.remove();
    server_ = all_.servers_.with(server.place);
    server_.set(1);
    place_ = server.place;
  }
  all_.mode_.remove();
  all_.mode_ = all_.modes_.with(name_of(server.found));
  all_.mode_.set(1);
  run_id_ = server.run_id;
}

void Statistics::Part::on_down(TimePoint now) {
  if (std::exchange(is_up_, false)) {
    all_.lost_.add();
    --all_.up_;
  }
  all_.count_parts(now);
}

void Statistics::count_parts(TimePoint now) {
  tick(now);
  were_up_ = are_up();
  if (were_up_) down_since_.reset();
  connected_.set(were_up_ ? 1 : 0);
  tick(now);
}

void Statistics::tick(TimePoint now) {
  if (were_up_) return;
  if (down_since_) {
    disconnected_seconds_.add(std::chrono::duration<double>(now - *down_since_).count());
  }
  down_since_ = now;
}

}  // namespace crolang::redis_registry
