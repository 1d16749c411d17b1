#pragma once
/// The way to Redis: one link for commands and one for the subscription to this broker's channel,
/// which live and die together. Up means: logged in, scripts known, and a message to itself has
/// come back by the subscription. Reconnects by itself. Time is an argument. Threads: whoever has
/// the service's turn.

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/link.hpp"
#include "redis-registry/options.hpp"
#include "redis-registry/resolver.hpp"
#include "redis-registry/scripts.hpp"

namespace crolang::redis_registry {

class RedisConnection {
 public:
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_up() = 0;
    /// It was up, or an attempt failed. Every command has been answered.
    virtual void on_down(std::string_view why) = 0;
    virtual void on_batch(std::string_view batch) = 0;
    /// Redis has taken new credentials, or refuses them with this word: the others stay in use.
    virtual void on_credentials(std::string_view refusal) = 0;
  };

  /// `heartbeat`: a batch that says nothing.
  RedisConnection(Endpoint endpoint, std::string channel, std::string heartbeat, Owner& owner);

  bool is_up() const { return state_ == State::up; }
  /// When something came by the subscription.
  TimePoint last_heard() const { return last_heard_; }
  /// Names this run of the server; empty if it does not say. Counts once up.
  const std::string& run_id() const { return run_id_; }
  /// How long the server has been running, whole seconds.
  std::chrono::seconds uptime() const { return uptime_; }

  template <class F>
  void command(std::span<const std::string_view> words, TimePoint now, F&& on_reply) {
    commands_.command(words, now, std::forward<F>(on_reply));
  }

  /// A publication, whose reply can wait.
  template <class F>
  void publish(std::string_view channel, std::string_view batch, TimePoint now, F&& on_reply) {
    commands_.command_without_haste(std::array<std::string_view, 3>{"PUBLISH", channel, batch}, now,
                                    std::forward<F>(on_reply));
  }

  /// EVALSHA of a script with the words that follow its digest.
  std::string_view digest(Script script) const {
    return digests_[static_cast<std::size_t>(script)];
  }
  /// The server has forgotten the scripts.
  void load_scripts(TimePoint now);

  /// Logs in anew if it is up. What Redis refuses is not used; else the next connection uses it.
  void change_credentials(std::string user, std::string password, TimePoint now);

  void drop(std::string_view why, TimePoint now);
  /// For the end: nothing is reconnected any more.
  void close();
  bool is_idle() const { return commands_.is_idle(); }

  std::array<pollfd, 2> poll_entries(TimePoint now) const;
  void on_poll(const std::array<pollfd, 2>& entries, TimePoint now);
  void flush();
  /// At least every 100 ms.
  void tick(TimePoint now);
  /// How long poll may wait.
  std::chrono::milliseconds patience() const;

 private:
  enum class State { waiting, resolving, opening, verifying, up, closed };

  void resolve(TimePoint now);
  void take_addresses(TimePoint now);
  void open(TimePoint now);
  void log_in(Link& link, TimePoint now);
  void handshake(std::span<const std::string_view> words, Link& link, TimePoint now,
                 std::function<void(const redisReply&)> use);
  void read_server(std::string_view info);
  void verify(TimePoint now);
  void send_heartbeat(TimePoint now);
  void on_publication(std::string_view batch);
  void fail(std::string_view why, TimePoint now);
  void watch(TimePoint now);
  std::string_view link_fault() const;

  Endpoint endpoint_;
  const std::string channel_;
  const std::string heartbeat_;
  Owner& owner_;

  State state_ = State::waiting;
  TimePoint retry_at_{};
  TimePoint now_{};  // of the event that is being handled, for callbacks
  TimePoint last_tick_{};
  Resolver resolver_;
  TimePoint resolving_since_{};
  std::vector<std::string> addresses_;  // the last that were found
  std::size_t next_address_ = 0;        // of them, to be tried
  Link commands_;
  Link subscription_;
  std::size_t handshakes_ = 0;  // commands of the handshake without a reply
  bool subscribed_ = false;
  std::string refusal_;                       // of the handshake
  std::optional<TimePoint> heartbeat_since_;  // sent and not come back
  TimePoint last_heard_{};
  std::array<std::string, kScripts> digests_;
  std::string run_id_;
  std::chrono::seconds uptime_{0};
  std::minstd_rand random_;
};

}  // namespace crolang::redis_registry
