#pragma once
/// Polls one of several servers with the same question over one connection; if that fails, the next
/// one. The configured servers always belong to the list. Time is an argument. Threads: the holder
/// of the service's lock. Errors: fault().

#include <poll.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis-registry/dialer.hpp"
#include "redis-registry/link.hpp"
#include "redis-registry/tls_transport.hpp"

namespace crolang::redis_registry {

class Inquirer {
 public:
  struct Owner {
    virtual ~Owner() = default;
    /// A connection to another server: what to ask first, behind the login.
    virtual void on_open(TimePoint now) = 0;
    /// The question is due again.
    virtual void on_due(TimePoint now) = 0;
    /// Describes the error with which the server refused the login, in words that follow its name.
    virtual std::string describe_login_refusal(std::string_view error) = 0;
  };

  /// `what`: the servers, in faults, such as "the Sentinel". `max_reply`: the bytes of one reply.
  /// `tls`: null for connections without it.
  Inquirer(const std::vector<HostPort>& seeds, std::string what, std::size_t max_reply, Login login,
           TlsContext tls, Traffic traffic, Owner& owner);

  /// For the next connection, which is made at once.
  void change_access(Login login, TlsContext tls);
  /// The question is due at `at`.
  void ask_at(TimePoint at) { ask_at_ = at; }
  /// None is due until it is answered.
  void await_answer() { ask_at_.reset(); }
  /// The server gave a valid answer. If it fails later, all others are tried first.
  void note_answer();
  /// The server cannot be used; `sentence` follows its name.
  void refuse(std::string sentence) { refusal_ = std::move(sentence); }
  /// Leaves the server for the next one, without a fault.
  void turn_to_next(TimePoint now);

  template <class F>
  void question(std::span<const std::string_view> words, TimePoint now, F on_answer) {
    link_.command(words, now, [this, answer = std::move(on_answer)](const redisReply* reply) {
      if (reply == nullptr) {
        // Otherwise the connection was lost.
        if (link_.is_open()) refuse("out of memory");
      } else if (refusal_.empty()) {
        answer(*reply);
      }
    });
  }

  /// The server that is asked.
  const HostPort& host() const { return dialer_.target().host; }
  /// Its numeric address.
  const std::string& address() const { return dialer_.target().address; }
  /// Replaces the servers that may be asked besides the configured ones, unless there are too many.
  void renew(const std::vector<HostPort>& others);
  /// Why none has answered, and since when; empty: one has, or is still asked.
  const std::string& fault() const { return fault_; }
  TimePoint failed_at() const { return failed_at_; }

  pollfd poll_entry(TimePoint now) const { return link_.poll_entry(now); }
  void on_poll(short events, TimePoint now) { link_.on_poll(events, now); }
  void tick(TimePoint now);
  void restart_clocks(TimePoint now) { link_.restart_clocks(now); }
  void close() { link_.close(); }

 private:
  enum class State { waiting, dialing, connected };

  void dial(TimePoint now);
  void open(TimePoint now);
  void lose(std::string_view why, TimePoint now);
  void watch(TimePoint now);

  const std::vector<HostPort> seeds_;
  const std::string what_;
  std::vector<HostPort> servers_;
  Login login_;
  TlsContext tls_;
  Owner& owner_;
  Dialer dialer_;
  Link link_;
  State state_ = State::waiting;
  TimePoint dial_at_{};
  std::optional<TimePoint> ask_at_;  // nullopt: an answer is awaited
  std::string refusal_;              // of the server that is connected
  std::string faults_;               // of the servers tried in this round
  std::string fault_;
  TimePoint failed_at_{};
};

}  // namespace crolang::redis_registry
