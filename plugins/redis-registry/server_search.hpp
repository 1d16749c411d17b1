#pragma once
/// Which server to connect to: the hosts of REDIS_URL in turn, the primary that Sentinels name, or
/// the master of a part of a cluster. A round ends when each of them has been given out. Time is an
/// argument. Threads: the holder of the service's lock. Errors: faults().

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis-registry/dialer.hpp"
#include "redis-registry/replica_watch.hpp"
#include "redis-registry/sentinel_watch.hpp"

namespace crolang::redis_registry {

class ServerSearch {
 public:
  enum class State : std::uint8_t {
    asking,     ///< Sentinels
    resolving,  ///< call next again soon
    found,      ///< target()
    exhausted   ///< the round is over: faults()
  };

  /// `sentinel`: for Sentinels. The endpoint's hosts are tried until another function says more.
  ServerSearch(const Endpoint& endpoint, Login sentinel, TlsContext tls, Traffic of_sentinels);

  /// The hosts of REDIS_URL turned out to be Sentinels.
  void turn_to_sentinels();
  /// In a cluster: this master, and no other.
  void lead_to(HostPort master);
  bool is_by_sentinels() const { return sentinels_.has_value(); }
  bool is_in_cluster() const { return master_.has_value(); }
  const std::optional<HostPort>& master() const { return master_; }

  void begin_round(TimePoint now);
  [[nodiscard]] State next(TimePoint now);
  /// The host of the target cannot be used, whatever its address.
  void skip_host() { dialer_.skip_host(); }
  void note_fault(std::string_view why);
  const std::string& faults() const { return faults_; }

  /// What was found last.
  const Dialer::Target& target() const { return dialer_.target(); }
  /// The same for the log.
  const std::string& place() const { return place_; }
  /// There may be several servers, so it has to be said which.
  bool has_several() const { return dialer_.size() > 1 || sentinels_ || master_; }
  /// Why the target is not to be used any more; empty: it is.
  std::string why_left() const;
  /// In a cluster: when another node was asked that named the master.
  void note_named(TimePoint asked_at) { named_at_ = asked_at; }
  /// What Sentinels, or other nodes of the cluster, have said of the target.
  ReplicaWatch::Sentinels sentinels() const;

  void change_sentinel_access(Login login, TlsContext tls);
  pollfd poll_entry(TimePoint now) const;
  void on_poll(short events, TimePoint now);
  void tick(TimePoint now);
  void restart_clocks(TimePoint now);
  void close();

 private:
  State dial(TimePoint now);

  const std::vector<HostPort> hosts_;
  const std::string name_;  // of the master, as in REDIS_URL
  Login sentinel_login_;
  TlsContext tls_;
  const Traffic sentinel_traffic_;
  std::optional<SentinelWatch> sentinels_;  // from when on it is known that there are some
  std::optional<HostPort> master_;          // of a cluster
  std::optional<TimePoint> named_at_;       // master_, last
  bool is_asking_ = false;
  TimePoint asked_since_{};
  Dialer dialer_;
  std::string place_;
  std::string faults_;  // of this round
};

}  // namespace crolang::redis_registry
