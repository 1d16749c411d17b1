#include "redis-registry/claim_gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::redis_registry {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

using BatchResult = ClaimGate::BatchResult;
using Notice = ClaimGate::Notice;
using Task = ClaimGate::Task;
using TimePoint = ClaimGate::TimePoint;

constexpr auto kTtl = 60'000ms;
constexpr auto kGrace = ClaimGate::kGracePeriod;
constexpr std::string_view kFull = "OOM command not allowed when used memory > 'maxmemory'.";
constexpr std::string_view kReadOnly = "READONLY You can't write against a read only replica.";
constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";

class ClaimGateTest : public testing::Test {
 protected:
  /// One whose run is named, so that nothing is to be said to others.
  static ClaimGate::Server server(std::string_view run, std::chrono::milliseconds uptime = 1h) {
    return {run, uptime, run, std::nullopt};
  }
  Task connect(std::string_view run = "first", std::chrono::milliseconds uptime = 1h) {
    return gate_.on_connected(server(run, uptime), now_);
  }
  Notice disconnect(std::string_view why = "Connection refused") {
    return gate_.on_disconnected(why, now_, now_);
  }
  Notice refuse(std::string_view error = kFull) { return gate_.on_write_refused(error, now_); }
  Notice assertion_succeeds() { return gate_.on_all_begun(now_); }
  Notice assertion_fails() {
    gate_.on_batch_begun();
    EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
    return gate_.on_batch_answered(gate_.attempt(), BatchResult::failed, now_);
  }
  void connect_and_restore() {
    connect();
    EXPECT_EQ(assertion_succeeds(), Notice::none);
    ASSERT_TRUE(gate_.grants_claims(now_));
  }
  Task task() { return gate_.tick(now_).task; }
  void pass(std::chrono::milliseconds time) { now_ += time; }
  /// Paused, and granted after `time` if nothing happens.
  void expect_open_after(std::chrono::milliseconds time) {
    EXPECT_FALSE(gate_.grants_claims(now_ + time - 1ms));
    EXPECT_FALSE(gate_.missing_lease_means_free(now_ + time - 1ms));
    EXPECT_TRUE(gate_.grants_claims(now_ + time));
    EXPECT_TRUE(gate_.missing_lease_means_free(now_ + time));
  }

  TimePoint now_{1h};
  ClaimGate gate_{"cache:6379", kTtl};
};

// ---- Connecting

TEST_F(ClaimGateTest, IsClosedBeforeRedisIsThere) {
  EXPECT_FALSE(gate_.grants_claims(now_));
  EXPECT_EQ(gate_.why_paused(), "not connected yet");
  EXPECT_EQ(task(), Task::none);
}

TEST_F(ClaimGateTest, OpensOnceEveryLeaseIsWritten) {
  EXPECT_FALSE(gate_.has_been_connected());
  EXPECT_EQ(connect(), Task::restore_all);
  EXPECT_TRUE(gate_.has_been_connected());
  gate_.on_batch_begun();
  gate_.on_batch_begun();
  EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
  EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::written, now_), Notice::none);
  EXPECT_FALSE(gate_.grants_claims(now_));
  EXPECT_EQ(gate_.why_paused(), "claims paused while brokers restore their leases");
  EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::written, now_), Notice::none);
  EXPECT_TRUE(gate_.grants_claims(now_));
  EXPECT_EQ(task(), Task::extend);
}

TEST_F(ClaimGateTest, StaysClosedUntilEveryBatchHasBegunThoughEachWasAnsweredAtOnce) {
  connect();
  for (int batch = 0; batch < 3; ++batch) {
    gate_.on_batch_begun();
    EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::written, now_), Notice::none);
    EXPECT_FALSE(gate_.is_restored());
  }
  assertion_succeeds();
  EXPECT_TRUE(gate_.is_restored());
}

// There is no memory for them, and the connection stays.
TEST_F(ClaimGateTest, AssertsAgainThoughSeveralBatchesFailedBeforeTheNextHadBegun) {
  connect();
  for (int batch = 0; batch < 3; ++batch) {
    gate_.on_batch_begun();
    EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::failed, now_), Notice::none);
  }
  EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
  pass(ClaimGate::kRetryAfter);
  EXPECT_EQ(task(), Task::restore_all);
}

TEST_F(ClaimGateTest, StaysClosedWhileRedisHasJustStarted) {
  connect("first", 1000ms);
  assertion_succeeds();
  EXPECT_EQ(gate_.why_paused(), "claims paused while brokers restore their leases");
  expect_open_after(kGrace - 1000ms);
}

TEST_F(ClaimGateTest, OpensAtOnceOnTheFirstConnectionHoweverLongThatTook) {
  disconnect();
  pass(kTtl);
  disconnect();
  connect();
  EXPECT_EQ(assertion_succeeds(), Notice::available);
  EXPECT_TRUE(gate_.grants_claims(now_));
}

// ---- Outages and restarts

TEST_F(ClaimGateTest, OpensAtOnceAfterAnOutageShorterThanHalfTheLifeOfALease) {
  connect_and_restore();
  disconnect();
  EXPECT_FALSE(gate_.grants_claims(now_));
  pass(kTtl / 2 - 1ms);
  EXPECT_EQ(connect(), Task::restore_all);
  EXPECT_FALSE(gate_.grants_claims(now_));
  EXPECT_EQ(assertion_succeeds(), Notice::available);
  EXPECT_TRUE(gate_.grants_claims(now_));
}

TEST_F(ClaimGateTest, StaysClosedForTheGracePeriodAfterALongerOutage) {
  connect_and_restore();
  disconnect();
  pass(kTtl / 2);
  connect();
  EXPECT_EQ(assertion_succeeds(), Notice::available);
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, CountsAnOutageFromTheLastDataOfRedis) {
  connect_and_restore();
  EXPECT_EQ(gate_.on_disconnected("no answer for 3000 ms", now_ - 3000ms, now_),
            Notice::unavailable);
  pass(kTtl / 2 - 3000ms);
  connect();
  assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, CountsAnOutageFromTheFirstFailure) {
  connect_and_restore();
  disconnect();
  pass(kTtl / 2 - 1ms);
  disconnect("again");
  pass(1ms);
  connect();
  assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, CountsEachOutageByItself) {
  connect_and_restore();
  for (int outage = 0; outage < 3; ++outage) {
    disconnect();
    pass(kTtl / 4);
    connect();
    assertion_succeeds();
    EXPECT_TRUE(gate_.grants_claims(now_));
  }
}

TEST_F(ClaimGateTest, StaysClosedForTheGracePeriodAfterARestart) {
  connect_and_restore();
  disconnect();
  connect("second");
  assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, TakesAServerThatDoesNotNameItsRunForRestarted) {
  connect("");
  assertion_succeeds();
  EXPECT_TRUE(gate_.grants_claims(now_));
  disconnect();
  connect("");
  assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, LetsTheGracePeriodRunOnThroughAnotherOutage) {
  connect_and_restore();
  disconnect();
  connect("second");
  pass(1000ms);
  disconnect();
  connect("second");
  assertion_succeeds();
  expect_open_after(kGrace - 1000ms);
}

TEST_F(ClaimGateTest, IsNotOpenedEarlierByAServerThatHasRunLonger) {
  connect("first", 0ms);
  disconnect();
  connect("first", 1000ms);
  assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, DropsAnAssertionWithItsConnection) {
  connect();
  gate_.on_batch_begun();
  EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
  disconnect();
  EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::written, now_), Notice::none);
  EXPECT_FALSE(gate_.is_restored());
  EXPECT_EQ(task(), Task::none);
}

TEST_F(ClaimGateTest, AssertsAgainASecondAfterABatchFailed) {
  connect();
  EXPECT_EQ(assertion_fails(), Notice::none);
  EXPECT_FALSE(gate_.grants_claims(now_));
  pass(ClaimGate::kRetryAfter - 1ms);
  EXPECT_EQ(task(), Task::none);
  pass(1ms);
  EXPECT_EQ(task(), Task::restore_all);
  EXPECT_EQ(task(), Task::none) << "one at a time";
  assertion_succeeds();
  EXPECT_TRUE(gate_.grants_claims(now_));
}

// ---- Refusals

class Refused : public ClaimGateTest, public testing::WithParamInterface<std::string_view> {};

TEST_P(Refused, ClosesUntilAWriteSucceedsAndForTheGracePeriodAfterThat) {
  connect_and_restore();
  EXPECT_EQ(refuse(GetParam()), Notice::unavailable);
  EXPECT_EQ(gate_.reason(), "Redis refuses writes: " + std::string(GetParam()));
  EXPECT_FALSE(gate_.grants_claims(now_ + 1h));
  EXPECT_FALSE(gate_.missing_lease_means_free(now_ + 1h));
  EXPECT_EQ(gate_.why_paused(), gate_.reason());
  pass(ClaimGate::kRetryAfter - 1ms);
  EXPECT_EQ(task(), Task::none);
  pass(1ms);
  EXPECT_EQ(task(), Task::restore_all_and_test_write);
  EXPECT_EQ(assertion_succeeds(), Notice::available);
  EXPECT_EQ(gate_.why_paused(), "claims paused while brokers restore their leases");
  expect_open_after(kGrace);
}

TEST_P(Refused, StaysClosedWhileTheTestWriteFails) {
  connect_and_restore();
  refuse(GetParam());
  for (int attempt = 0; attempt < 3; ++attempt) {
    pass(ClaimGate::kRetryAfter);
    EXPECT_EQ(task(), Task::restore_all_and_test_write);
    assertion_fails();
    EXPECT_FALSE(gate_.grants_claims(now_));
    EXPECT_FALSE(gate_.missing_lease_means_free(now_ + 1h));
  }
}

TEST_P(Refused, IsRememberedOnTheNextConnection) {
  connect_and_restore();
  refuse(GetParam());
  EXPECT_EQ(disconnect(), Notice::still_unavailable);
  EXPECT_EQ(connect(), Task::restore_all_and_test_write);
  EXPECT_EQ(gate_.why_paused(), "claims paused while brokers restore their leases");
  EXPECT_EQ(assertion_succeeds(), Notice::available);
  expect_open_after(kGrace);
}

TEST_P(Refused, IsForgottenOnceAWriteHasSucceeded) {
  connect_and_restore();
  refuse(GetParam());
  pass(ClaimGate::kRetryAfter);
  task();
  assertion_succeeds();
  pass(kGrace);
  disconnect();
  EXPECT_EQ(connect(), Task::restore_all);
  assertion_succeeds();
  EXPECT_TRUE(gate_.grants_claims(now_));
}

TEST_P(Refused, DuringAnAssertionClosesForTheGracePeriodThoughThatSucceeds) {
  connect();
  gate_.on_batch_begun();
  EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
  EXPECT_EQ(refuse(GetParam()), Notice::unavailable);
  EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::written, now_),
            Notice::available);
  expect_open_after(kGrace);
}

INSTANTIATE_TEST_SUITE_P(
    Errors, Refused,
    testing::Values(kFull, "NOPERM this user has no permissions to run the 'set' command",
                    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable "
                    "to persist to disk."),
    [](const auto& each) { return std::string(each.param.substr(0, each.param.find(' '))); });

TEST_F(ClaimGateTest, ReportsAnotherReasonButNotTheSameAgain) {
  connect_and_restore();
  EXPECT_EQ(refuse(kFull), Notice::unavailable);
  EXPECT_EQ(refuse(kFull), Notice::none);
  EXPECT_EQ(refuse(kReadOnly), Notice::still_unavailable);
  EXPECT_EQ(disconnect("gone"), Notice::still_unavailable);
  EXPECT_EQ(disconnect("gone"), Notice::none);
  EXPECT_EQ(gate_.reason(), "cache:6379: gone");
}

TEST_F(ClaimGateTest, DoesNotPutTheNextAssertionOffWithEachRefusal) {
  connect_and_restore();
  refuse();
  pass(ClaimGate::kRetryAfter - 1ms);
  refuse();
  pass(1ms);
  EXPECT_EQ(task(), Task::restore_all_and_test_write);
}

TEST_F(ClaimGateTest, PutsTheNextAssertionOffWithTheFirstRefusal) {
  connect();
  assertion_fails();
  pass(ClaimGate::kRetryAfter - 1ms);
  refuse();
  pass(1ms);
  EXPECT_EQ(task(), Task::none);
  pass(ClaimGate::kRetryAfter - 1ms);
  EXPECT_EQ(task(), Task::restore_all_and_test_write);
}

TEST_F(ClaimGateTest, SaysARefusalInTheWordsOfAnEnd) {
  connect_and_restore();
  refuse("LOADING Redis is loading the dataset in memory");
  EXPECT_THAT(gate_.reason(), StartsWith("Redis refuses writes: "));
  EXPECT_THAT(gate_.reason(), HasSubstr("still loading its data from disk"));
}

TEST_F(ClaimGateTest, DropsAConnectionThatIsReadOnlyAtOnce) {
  connect_and_restore();
  EXPECT_EQ(refuse(kReadOnly), Notice::unavailable);
  EXPECT_FALSE(gate_.grants_claims(now_));
  EXPECT_EQ(task(), Task::drop_connection);
  EXPECT_EQ(gate_.refusal(), kReadOnly);
  EXPECT_EQ(disconnect(gate_.refusal()), Notice::still_unavailable);
  EXPECT_EQ(connect("second"), Task::restore_all_and_test_write);
  EXPECT_EQ(assertion_succeeds(), Notice::available);
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, DropsAConnectionThatIsReadOnlyWhileItRestores) {
  connect();
  gate_.on_batch_begun();
  EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
  EXPECT_EQ(refuse(kReadOnly), Notice::unavailable);
  EXPECT_EQ(task(), Task::drop_connection);
}

TEST_F(ClaimGateTest, KeepsAConnectionWhoseRefusalNoOtherServerWouldEnd) {
  connect_and_restore();
  refuse(kFull);
  pass(50s);
  EXPECT_EQ(task(), Task::restore_all_and_test_write);
}

// ---- The run of the server that brokers name

TEST_F(ClaimGateTest, PausesClaimsIfAnotherRunIsNamed) {
  (void)gate_.on_connected({"second", 1h, "first", std::nullopt}, now_);
  (void)assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, PausesClaimsIfNoRunIsNamedThoughThereAreReplicas) {
  (void)gate_.on_connected({"first", 1h, std::nullopt, 1}, now_);
  (void)assertion_succeeds();
  expect_open_after(kGrace);
}

TEST_F(ClaimGateTest, DoesNotPauseClaimsIfThisRunIsNamed) {
  (void)gate_.on_connected({"first", 1h, "first", 1}, now_);
  (void)assertion_succeeds();
  EXPECT_TRUE(gate_.grants_claims(now_));
}

TEST_F(ClaimGateTest, DoesNotPauseClaimsOfTheFirstBrokerOfAServerWithoutReplicas) {
  for (const std::optional<std::size_t> replicas : {std::optional<std::size_t>(0), {}}) {
    ClaimGate gate{"cache:6379", kTtl};
    (void)gate.on_connected({"first", 1h, std::nullopt, replicas}, now_);
    (void)gate.on_all_begun(now_);
    EXPECT_TRUE(gate.grants_claims(now_));
  }
}

TEST_F(ClaimGateTest, DoesNotPauseClaimsAgainWhenItComesBackToTheSameRun) {
  connect_and_restore();
  disconnect();
  pass(1s);
  (void)gate_.on_connected({"first", 1h, std::nullopt, 2}, now_);
  (void)assertion_succeeds();
  EXPECT_TRUE(gate_.grants_claims(now_));
}

TEST_F(ClaimGateTest, HasTheRunNamedOnceClaimsAreOpen) {
  (void)gate_.on_connected({"second", 1h, "first", std::nullopt}, now_);
  EXPECT_FALSE(gate_.tick(now_).name_run) << "leases are not restored";
  (void)assertion_succeeds();
  EXPECT_FALSE(gate_.tick(now_).name_run) << "other brokers may still be restoring theirs";
  pass(kGrace);
  EXPECT_TRUE(gate_.tick(now_).name_run);
  EXPECT_FALSE(gate_.tick(now_).name_run) << "once is enough";
}

TEST_F(ClaimGateTest, HasTheRunNamedAgainAfterARefusal) {
  (void)gate_.on_connected({"first", 1h, std::nullopt, std::nullopt}, now_);
  (void)assertion_succeeds();
  EXPECT_TRUE(gate_.tick(now_).name_run);
  refuse();
  pass(ClaimGate::kRetryAfter);
  EXPECT_EQ(task(), Task::restore_all_and_test_write);
  (void)assertion_succeeds();
  pass(kGrace);
  EXPECT_TRUE(gate_.tick(now_).name_run);
}

TEST_F(ClaimGateTest, NamesNoRunThatIsNotStated) {
  (void)gate_.on_connected({"", 1h, std::nullopt, std::nullopt}, now_);
  (void)assertion_succeeds();
  pass(kGrace);
  EXPECT_FALSE(gate_.tick(now_).name_run);
}

// ---- Scripts

TEST_F(ClaimGateTest, LoadsScriptsThatRedisHasLostOnceAndStaysOpen) {
  connect_and_restore();
  EXPECT_EQ(refuse(kNoScript), Notice::none);
  EXPECT_TRUE(gate_.grants_claims(now_));
  const ClaimGate::Due due = gate_.tick(now_);
  EXPECT_TRUE(due.load_scripts);
  EXPECT_EQ(due.task, Task::extend);
  EXPECT_FALSE(gate_.tick(now_).load_scripts);
}

TEST_F(ClaimGateTest, AssertsAgainWhatFoundNoScript) {
  connect();
  gate_.on_batch_begun();
  EXPECT_EQ(gate_.on_all_begun(now_), Notice::none);
  EXPECT_EQ(refuse(kNoScript), Notice::none);
  EXPECT_EQ(gate_.on_batch_answered(gate_.attempt(), BatchResult::failed, now_), Notice::none);
  const ClaimGate::Due due = gate_.tick(now_);
  EXPECT_TRUE(due.load_scripts);
  EXPECT_EQ(due.task, Task::none);
  pass(ClaimGate::kRetryAfter);
  EXPECT_EQ(task(), Task::restore_all) << "nothing was refused";
}

TEST_F(ClaimGateTest, LoadsNoScriptsWhileThereIsNoConnection) {
  connect_and_restore();
  refuse(kNoScript);
  disconnect();
  EXPECT_FALSE(gate_.tick(now_).load_scripts);
}

}  // namespace
}  // namespace crolang::redis_registry
