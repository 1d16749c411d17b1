#pragma once
/// Asks a node of a cluster once a second which master serves which slots, and at once after a
/// redirect. One node after the other is asked when the answer does not explain that, or
/// when one does not answer: those of REDIS_URL, and the masters of the last map. Time is an
/// argument. Threads: the holder of the service's lock. Errors: fault().

#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/inquirer.hpp"
#include "redis-registry/slot_map.hpp"

namespace crolang::redis_registry {

class SlotWatch final : Inquirer::Owner {
 public:
  SlotWatch(const std::vector<HostPort>& seeds, Login login, TlsContext tls, Traffic traffic = {});

  void change_access(Login login, TlsContext tls);
  /// The map is wrong: asks again, ten times a second at most.
  void note_outdated() { is_outdated_ = true; }
  /// What the node that was asked says is not enough: asks the next one, once a second at most.
  void ask_another() { needs_another_ = true; }

  /// By the last answer; null: there was none.
  const std::shared_ptr<const SlotMap>& slots() const { return slots_; }
  /// Grows by one with each map that is another one.
  std::uint64_t number() const { return number_; }
  /// Who gave the last answer, and when it was asked.
  const HostPort& asked() const { return asked_; }
  const std::string& asked_address() const { return asked_address_; }  ///< numeric
  TimePoint asked_at() const { return asked_at_; }
  /// When it asked last.
  TimePoint last_question() const { return last_question_; }
  /// Why none of the nodes has answered; empty: one has, or is still asked.
  const std::string& fault() const { return inquirer_.fault(); }
  TimePoint failed_at() const { return inquirer_.failed_at(); }

  pollfd poll_entry(TimePoint now) const { return inquirer_.poll_entry(now); }
  void on_poll(short events, TimePoint now);
  void tick(TimePoint now);
  void restart_clocks(TimePoint now) { inquirer_.restart_clocks(now); }
  void close() { inquirer_.close(); }

 private:
  void on_open(TimePoint now) override { ask(now); }
  void on_due(TimePoint now) override { ask(now); }
  std::string describe_login_refusal(std::string_view error) override;
  void ask(TimePoint now);
  void turn(TimePoint now);
  void on_slots(const redisReply& reply, TimePoint asked_at);

  TimePoint now_{};
  std::shared_ptr<const SlotMap> slots_;
  std::uint64_t number_ = 0;
  HostPort asked_;
  std::string asked_address_;
  TimePoint asked_at_{};
  TimePoint last_question_{};
  TimePoint turned_at_{};
  bool is_outdated_ = false;
  bool needs_another_ = false;
  bool explains_nothing_ = false;  // the last answer
  std::optional<TimePoint> next_;  // when the question is due; nullopt: an answer is awaited
  Inquirer inquirer_;
};

}  // namespace crolang::redis_registry
