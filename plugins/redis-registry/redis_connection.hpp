#pragma once
/// The connection to a primary: one link for leases, which may have to wait for replicas, one for
/// messages and questions, and one for the subscription to this broker's channel; if one breaks,
/// all are closed. Up means: logged in to a primary, scripts loaded, and a message to itself has
/// arrived through the subscription. Whether it is still the primary is asked once a second. If
/// REDIS_URL leads to Sentinels, they are asked for the primary as long as this lives; another
/// answer ends the connection, and the next one is made to that server. If it leads to a cluster,
/// the owner says which master to connect to, and there is no subscription. Reconnects by itself.
/// Time is an argument. Threads: the holder of the service's lock.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/connection_times.hpp"
#include "redis-registry/links.hpp"
#include "redis-registry/login_change.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/redis_target.hpp"
#include "redis-registry/replica_watch.hpp"
#include "redis-registry/scripts.hpp"
#include "redis-registry/server_facts.hpp"
#include "redis-registry/server_search.hpp"
#include "redis-registry/tls_transport.hpp"

namespace crolang::redis_registry {

class RedisConnection {
 public:
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_up() = 0;
    /// The connection was lost, or an attempt failed. Every command has been answered.
    virtual void on_down(std::string_view why) = 0;
    virtual void on_batch(std::string_view batch) = 0;
    /// REDIS_URL leads to a cluster, of which this is a node: nothing happens before lead_to.
    virtual void on_cluster(const HostPort& node) = 0;
  };

  using PollEntries = std::array<pollfd, Links::kCount + 1>;

  struct Names {
    std::string channel;    ///< of this broker
    std::string heartbeat;  ///< a batch without records
    std::string run_key;    ///< where brokers name the run of the server
  };

  /// `sentinel`: for Sentinels; the endpoint has user and password for the server.
  RedisConnection(Endpoint endpoint, Login sentinel, TlsContext tls, Names names, Owner& owner,
                  const TrafficByPurpose& traffic);

  bool is_up() const { return state_ == State::up; }
  /// In a cluster: connects to this master, and to no other one.
  void lead_to(HostPort master, TimePoint now);
  /// In a cluster: when another node was asked that named this master.
  void note_named(TimePoint asked_at) { search_.note_named(asked_at); }
  /// Where brokers name the run of the server.
  void set_run_key(std::string key) { names_.run_key = std::move(key); }
  const std::string& run_key() const { return names_.run_key; }
  /// The server that is connected, or was last tried.
  const std::string& place() const { return search_.place(); }
  /// The same without the name of the master: host and port, or a path.
  std::string server() const;
  bool is_by_sentinels() const { return search_.is_by_sentinels(); }
  bool is_in_cluster() const { return search_.is_in_cluster(); }
  /// When data was last received from it.
  TimePoint last_received() const { return last_received_; }
  /// How to connect to the same server. Valid once up.
  RedisTarget target() const;
  /// The run of the server. Valid once up.
  const ServerRun& run() const { return run_; }
  /// The run that the key `run` names; nullopt: none, or it may not be read. Valid once up.
  const std::optional<std::string>& named_run() const { return named_run_; }

  template <class F>
  void command(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    links_.commands.command(words, now, std::forward<F>(on_reply));
  }

  /// Likewise, for a reply that is not urgent.
  template <class F>
  void command_deferred(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    links_.commands.command_deferred(words, now, std::forward<F>(on_reply));
  }

  /// A command about leases: it is executed after those before it, but not before or after other
  /// commands.
  template <class F>
  void lease_command(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    links_.leases.command(words, now, std::forward<F>(on_reply));
  }

  /// Sends a PUBLISH, whose reply is not urgent.
  template <class F>
  void publish(std::string_view channel, std::string_view batch, TimePoint now, F&& on_reply) {
    links_.commands.command_deferred(std::array<std::string_view, 3>{"PUBLISH", channel, batch},
                                     now, std::forward<F>(on_reply));
  }

  /// The hash of the script for EVALSHA.
  std::string_view digest(Script script) const {
    return digests_[static_cast<std::size_t>(script)];
  }
  /// Loads the scripts again after the server has lost them.
  void load_scripts(TimePoint now);

  using OnLogin = std::function<void(LoginChange::Outcome outcome, std::string_view refusal)>;
  /// Logs in again if it is up, else with the next connection. Refused credentials are not used.
  /// True: `on_outcome` is called once, perhaps before this returns.
  bool change_login(Login login, TimePoint now, OnLogin on_outcome);
  /// For the next connection; that to a Sentinel is made again.
  void change_sentinel_access(Login login, TlsContext tls);

  void drop(std::string_view why, TimePoint now);
  /// Closes the connection permanently.
  void close();
  bool is_idle() const { return links_.are_idle(); }
  /// What Sentinels have said of the server that is connected.
  ReplicaWatch::Sentinels sentinels() const { return search_.sentinels(); }
  /// Keeps run().replicas up to date.
  void watch_replicas() { watches_replicas_ = true; }

  PollEntries poll_entries(TimePoint now) const;
  void on_poll(const PollEntries& entries, TimePoint now);
  void flush();
  /// Call it at least every 100 ms.
  void tick(TimePoint now);
  /// How long poll may wait.
  std::chrono::milliseconds poll_timeout() const;

 private:
  enum class State : std::uint8_t {
    waiting,    // for retry_at_
    searching,  // the server
    opening,
    verifying,
    up,
    unused,  // until lead_to
    closed
  };

  void begin_round(TimePoint now);
  void search(TimePoint now);
  void wait_for_retry(TimePoint now);
  bool subscribes() const { return !search_.is_in_cluster(); }
  void open(TimePoint now);
  void log_in(Link& link, TimePoint now);
  void ask_for_role(TimePoint now);
  void ask_for_replicas(TimePoint now);
  void on_hello(const redisReply& reply);
  void on_role(const redisReply* reply);
  void on_sentinel(TimePoint now);
  void on_node(TimePoint now);
  void prepare(TimePoint now);
  template <class F>
  void ask_if_allowed(std::span<const std::string_view> words, TimePoint now, F use);
  void handshake(std::span<const std::string_view> words, Link& link, TimePoint now,
                 std::function<void(const redisReply&)> use);
  void verify(TimePoint now);
  void come_up();
  void send_heartbeat(TimePoint now);
  void on_publication(std::string_view batch);
  void fail(std::string_view why, TimePoint now);
  void watch(TimePoint now);
  std::string why_closed() const;
  std::string describe_silence() const;

  Endpoint endpoint_;
  TlsContext tls_;
  Names names_;
  Owner& owner_;
  ServerSearch search_;

  State state_ = State::waiting;
  bool is_resolving_ = false;
  TimePoint retry_at_{};
  TimePoint now_{};  // of the event that is being handled, for callbacks
  TimePoint last_tick_{};
  bool has_been_up_ = false;
  Links links_;
  std::size_t handshakes_ = 0;  // commands of the handshake without a reply
  bool subscribed_ = false;
  std::string refusal_;                       // of the handshake
  std::optional<TimePoint> heartbeat_since_;  // sent and not back yet
  TimePoint last_received_{};
  std::array<std::string, kScripts> digests_;
  Hello hello_;
  bool has_answered_hello_ = false;
  TimePoint role_asked_at_{};
  bool watches_replicas_ = false;
  std::string server_info_;
  ServerRun run_;
  std::optional<std::string> named_run_;
  std::size_t open_logins_ = 0;  // of change_login, without an answer
  RetryPause retry_pause_;
};

}  // namespace crolang::redis_registry
