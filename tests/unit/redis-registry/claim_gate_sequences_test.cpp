// Every order of outages, restarts, refusals and answers, up to a length, against what the
// documentation promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/claim_gate.hpp"

namespace crolang::redis_registry {
namespace {

using namespace std::chrono_literals;

using BatchResult = ClaimGate::BatchResult;
using Notice = ClaimGate::Notice;
using Task = ClaimGate::Task;
using TimePoint = ClaimGate::TimePoint;

constexpr auto kGrace = ClaimGate::kGracePeriod;
constexpr std::string_view kFull = "OOM command not allowed when used memory > 'maxmemory'.";
constexpr std::string_view kReadOnly = "READONLY You can't write against a read only replica.";
constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";

enum class Event {
  connect,          // to the same run of the server
  connect_restart,  // to another, which has just started
  disconnect,       // or an attempt fails
  refuse_full,
  refuse_read_only,
  lose_scripts,
  reply_written,  // the oldest batch of the restoring is answered
  reply_failed,
  wait_retry,
  wait_half_ttl,
};
constexpr std::array kEvents{Event::connect,       Event::connect_restart,  Event::disconnect,
                             Event::refuse_full,   Event::refuse_read_only, Event::lose_scripts,
                             Event::reply_written, Event::reply_failed,     Event::wait_retry,
                             Event::wait_half_ttl};

std::string_view name_of(Event event) {
  switch (event) {
    case Event::connect:
      return "connect";
    case Event::connect_restart:
      return "connect_restart";
    case Event::disconnect:
      return "disconnect";
    case Event::refuse_full:
      return "refuse_full";
    case Event::refuse_read_only:
      return "refuse_read_only";
    case Event::lose_scripts:
      return "lose_scripts";
    case Event::reply_written:
      return "reply_written";
    case Event::reply_failed:
      return "reply_failed";
    case Event::wait_retry:
      return "wait_retry";
    case Event::wait_half_ttl:
      return "wait_half_ttl";
  }
  return "";
}

/// A gate with an owner that does as it is told, and what the documentation promises beside it.
class World {
 public:
  static constexpr auto kLife = 10'000ms;

  bool may_happen(Event event) const {
    switch (event) {
      case Event::connect:
      case Event::connect_restart:
        return !connected_;
      case Event::disconnect:
      case Event::wait_retry:
      case Event::wait_half_ttl:
        return true;
      case Event::refuse_full:
      case Event::refuse_read_only:
      case Event::lose_scripts:
        return connected_;
      case Event::reply_written:
      case Event::reply_failed:
        return unanswered_ > 0;
    }
    return false;
  }

  void happen(Event event) {
    switch (event) {
      case Event::connect:
        connect(1h);
        break;
      case Event::connect_restart:
        ++run_;
        connect(1000ms);
        break;
      case Event::disconnect:
        disconnect("gone");
        break;
      case Event::refuse_full:
        refuse(kFull);
        break;
      case Event::refuse_read_only:
        refuse(kReadOnly);
        break;
      case Event::lose_scripts:
        has_scripts_ = false;
        hear(gate_.on_write_refused(kNoScript, now_));
        break;
      case Event::reply_written:
        reply(BatchResult::written);
        break;
      case Event::reply_failed:
        reply(BatchResult::failed);
        break;
      case Event::wait_retry:
        now_ += ClaimGate::kRetryAfter;
        break;
      case Event::wait_half_ttl:
        now_ += kLife / 2;
        break;
    }
    tick();
    expect_promises();
  }

  /// From now on Redis is there and answers. How long until claims are granted?
  void recover() {
    const TimePoint latest = now_ + ClaimGate::kRetryAfter + ClaimGate::kGracePeriod;
    while (!gate_.grants_claims(now_) && now_ <= latest) {
      if (!connected_) happen(Event::connect);
      while (unanswered_ > 0) happen(Event::reply_written);
      if (gate_.grants_claims(now_)) return;
      now_ += 500ms;
      tick();
      expect_promises();
    }
    if (!gate_.grants_claims(now_)) break_promise("claims stay paused though Redis answers");
  }

  /// Empty: none is broken.
  const std::string& broken_promise() const { return broken_promise_; }

 private:
  void connect(std::chrono::milliseconds uptime) {
    const bool restarted = last_run_ != 0 && last_run_ != run_;
    const bool long_away = away_since_ && now_ - *away_since_ >= kLife / 2;
    if (uptime < kGrace) paused_until_ = std::max(paused_until_, now_ + kGrace - uptime);
    if (restarted || long_away) paused_until_ = std::max(paused_until_, now_ + kGrace);
    connected_ = true;
    last_run_ = run_;
    away_since_.reset();
    const std::string run = std::to_string(run_);
    const bool is_named = named_run_ == run;
    // The first connection of a broker: what was there before is not known to it.
    carry_out(gate_.on_connected(
        {run, uptime,
         named_run_.empty() ? std::nullopt : std::optional<std::string_view>(named_run_), 0},
        now_));
    run_is_to_be_named_ = !is_named;
  }

  void disconnect(std::string_view why) {
    if (last_run_ != 0 && !away_since_) away_since_ = now_;
    connected_ = false;
    leases_stand_ = false;
    unanswered_ = 0;
    hear(gate_.on_disconnected(why, now_, now_));
    if (told_available_) break_promise("the broker does not know that Redis is away");
  }

  void refuse(std::string_view error) {
    was_refused_ = true;
    leases_stand_ = false;
    run_is_to_be_named_ = true;
    hear(gate_.on_write_refused(error, now_));
    if (told_available_) break_promise("the broker does not know that Redis refuses");
  }

  void reply(BatchResult result) {
    --unanswered_;
    if (result == BatchResult::failed) failed_ = true;
    if (unanswered_ == 0 && !failed_) assertion_succeeded();
    hear(gate_.on_batch_answered(gate_.attempt(), result, now_));
  }

  void assertion_succeeded() {
    leases_stand_ = true;
    if (was_refused_) paused_until_ = std::max(paused_until_, now_ + kGrace);
    was_refused_ = false;
  }

  void tick() {
    const ClaimGate::Due due = gate_.tick(now_);
    if (due.name_run) {
      if (!gate_.grants_claims(now_)) break_promise("a run is named while claims are paused");
      if (!run_is_to_be_named_) break_promise("a run is named without need");
      named_run_ = std::to_string(run_);
      run_is_to_be_named_ = false;
    } else if (run_is_to_be_named_ && gate_.grants_claims(now_)) {
      break_promise("claims are open, and the run is not named");
    }
    if (due.load_scripts) {
      if (has_scripts_) break_promise("scripts are loaded again without need");
      has_scripts_ = true;
    } else if (connected_ && !has_scripts_) {
      break_promise("scripts stay lost");
    }
    carry_out(due.task);
  }

  void carry_out(Task task) {
    switch (task) {
      case Task::none:
        break;
      case Task::extend:
        if (!leases_stand_) break_promise("extends leases that do not stand");
        break;
      case Task::restore_all:
      case Task::restore_all_and_test_write: {
        if (!connected_) break_promise("restores without a connection");
        if (unanswered_ > 0) break_promise("restores twice at once");
        if ((task == Task::restore_all_and_test_write) != was_refused_) {
          break_promise("tests writing without a refusal, or does not after one");
        }
        leases_stand_ = false;
        failed_ = false;
        unanswered_ = was_refused_ ? 2 : 1;
        for (int batch = 0; batch < unanswered_; ++batch) gate_.on_batch_begun();
        hear(gate_.on_all_begun(now_));
        break;
      }
      case Task::drop_connection:
        disconnect(std::string(gate_.refusal()));
        break;
    }
  }

  void hear(Notice notice) {
    switch (notice) {
      case Notice::none:
        break;
      case Notice::unavailable:
        if (!told_available_) break_promise("unavailable is told twice");
        told_available_ = false;
        told_reason_ = gate_.reason();
        break;
      case Notice::still_unavailable:
        if (told_available_) break_promise("still unavailable, but nobody was told");
        if (told_reason_ == gate_.reason()) break_promise("the same reason is told twice");
        told_reason_ = gate_.reason();
        break;
      case Notice::available:
        if (told_available_) break_promise("available is told twice");
        told_available_ = true;
        break;
    }
  }

  void expect_promises() {
    const bool certain = now_ >= paused_until_ && !was_refused_;
    if (gate_.missing_lease_means_free(now_) != certain) {
      break_promise(certain ? "absence is uncertain for no reason"
                            : "absence is taken for certain");
    }
    const bool open = connected_ && leases_stand_ && certain;
    if (gate_.grants_claims(now_) != open) {
      break_promise(open ? "claims are paused for no reason" : "claims are granted too early");
    }
    if (open && !told_available_) break_promise("claims are granted, and the broker was not told");
    if (gate_.is_restored() != leases_stand_) break_promise("is wrong about the leases");
  }

  void break_promise(std::string_view which) {
    if (broken_promise_.empty()) broken_promise_ = which;
  }

  TimePoint now_{1h};
  ClaimGate gate_{"cache:6379", kLife};
  bool connected_ = false;
  int run_ = 1;
  int last_run_ = 0;  // of the server, that was connected to
  std::optional<TimePoint> away_since_;
  bool has_scripts_ = true;
  bool leases_stand_ = false;
  bool was_refused_ = false;
  int unanswered_ = 0;
  bool failed_ = false;
  TimePoint paused_until_{};
  bool told_available_ = true;
  std::string told_reason_;
  std::string named_run_;  // in Redis
  bool run_is_to_be_named_ = false;
  std::string broken_promise_;
};

class ClaimGateSequences : public testing::Test {
 protected:
  /// Every sequence of up to `length` events that begins as `world` did. False: one of them broke
  /// a promise, and this has been reported.
  bool explore(const World& world, std::size_t length) {
    ++sequences_;
    World later = world;
    later.recover();
    if (!later.broken_promise().empty()) return report(later);
    if (length == 0) return true;
    for (const Event event : kEvents) {
      if (!world.may_happen(event)) continue;
      events_.push_back(event);
      World next = world;
      next.happen(event);
      if (!next.broken_promise().empty()) return report(next);
      if (!explore(next, length - 1)) return false;
      events_.pop_back();
    }
    return true;
  }

  bool report(const World& world) {
    std::string order;
    for (const Event event : events_) order.append(" ").append(name_of(event));
    ADD_FAILURE() << world.broken_promise() << " after" << order;
    return false;
  }

  std::vector<Event> events_;
  std::size_t sequences_ = 0;
};

TEST_F(ClaimGateSequences, KeepTheGuaranteesInEveryOrder) {
  EXPECT_TRUE(explore(World(), 7));
  EXPECT_GT(sequences_, 400'000u);
}

}  // namespace
}  // namespace crolang::redis_registry
