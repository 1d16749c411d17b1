#pragma once
/// What the plugin counts for /metrics: which Redis it uses, how long it had none, and what it
/// sends and receives. Nothing of it where the broker has no metrics/1.
///
/// Threads: the counters, any; the rest, the holder of the service's lock. Errors: none.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "crolang/sdk/metrics.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/traffic.hpp"

namespace crolang::redis_registry {

class Statistics {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Found { by_url, by_sentinels, by_cluster };

  /// A server, and the run of it; empty if it does not say.
  struct Server {
    std::string place;
    std::string run_id;
    Found found = Found::by_url;
  };

  /// What has one primary: all of Redis, or a part of a cluster.
  class Part {
   public:
    explicit Part(Statistics& all) : all_(all) { ++all_.parts_; }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part();

    void on_up(const Server& server, TimePoint now);
    /// An attempt has failed, or the connection was lost.
    void on_down(TimePoint now);

   private:
    void note_server(const Server& server);

    Statistics& all_;
    plugin::Gauge server_;  // the one in use, or used last
    std::string place_;     // empty: none yet
    std::string run_id_;
    bool is_up_ = false;
  };

  Statistics(const plugin::Host& host, const Options& options);

  /// Called often, so that the time without Redis grows while it passes.
  void tick(TimePoint now);

  TrafficByPurpose traffic;
  plugin::Counter publications;        ///< batches for other brokers
  plugin::Counter claims_unconfirmed;  ///< released, since replicas did not receive them

 private:
  void count_parts(TimePoint now);
  bool are_up() const { return up_ > 0 && up_ == parts_; }

  plugin::Gauge connected_;
  plugin::Family<plugin::Gauge> servers_;
  plugin::Family<plugin::Gauge> modes_;
  plugin::Gauge mode_;
  plugin::Counter moved_;
  plugin::Counter restarted_;
  plugin::Counter lost_;
  plugin::Counter disconnected_seconds_;
  std::size_t parts_ = 0;
  std::size_t up_ = 0;  // of them
  bool were_up_ = false;
  std::optional<TimePoint> down_since_;  // and not counted yet
};

}  // namespace crolang::redis_registry
