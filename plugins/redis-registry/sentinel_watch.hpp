#pragma once
/// Asks Sentinels once a second where the primary is: it does not wait to be told, since the
/// Sentinel that leads a failover announces it seconds after it knows. Time is an argument.
/// Threads: the holder of the service's lock. Errors: fault().

#include <poll.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/inquirer.hpp"

namespace crolang::redis_registry {

class SentinelWatch final : Inquirer::Owner {
 public:
  /// `master`: empty if the Sentinels know only one. `tls`: null for connections without it.
  SentinelWatch(const std::vector<HostPort>& seeds, std::string master, Login login, TlsContext tls,
                Traffic traffic = {});

  /// For the next connection, which is made at once.
  void change_access(Login login, TlsContext tls);
  /// Asks at once.
  void ask(TimePoint now) { inquirer_.ask_at(now); }

  /// Where the primary is, by the last answer; nullopt: there was none.
  const std::optional<HostPort>& primary() const { return primary_; }
  /// When that was, and when it was asked for.
  TimePoint answered_at() const { return answered_at_; }
  TimePoint asked_at() const { return asked_at_; }
  /// Why none of the Sentinels has answered, and since when; empty: one has, or
  /// is still asked.
  const std::string& fault() const { return inquirer_.fault(); }
  TimePoint failed_at() const { return inquirer_.failed_at(); }
  /// The name of the master; empty while it is not known.
  const std::string& master() const { return name_; }

  pollfd poll_entry(TimePoint now) const { return inquirer_.poll_entry(now); }
  void on_poll(short events, TimePoint now);
  void tick(TimePoint now);
  void restart_clocks(TimePoint now) { inquirer_.restart_clocks(now); }
  void close() { inquirer_.close(); }

 private:
  void on_open(TimePoint now) override;
  void on_due(TimePoint now) override { ask_for_address(now); }
  std::string describe_login_refusal(std::string_view error) override;
  void ask_for_address(TimePoint now);
  void ask_for_sentinels(TimePoint now);
  void on_address(const redisReply& reply, TimePoint asked_at);

  const std::string given_name_;  // in REDIS_URL
  std::string name_;
  TimePoint learn_at_{};
  TimePoint now_{};
  std::optional<HostPort> primary_;
  TimePoint answered_at_{};
  TimePoint asked_at_{};
  Inquirer inquirer_;
};

}  // namespace crolang::redis_registry
