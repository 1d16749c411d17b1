#include "broker/shared_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/instance_status.hpp"
#include "broker/lease.hpp"
#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::State;
using ::testing::ElementsAre;
using testing::event;
using testing::Harness;
using ::testing::IsEmpty;
using testing::query_of;
using testing::Question;

const std::string kMessage = event("SOCKET_MSG_EXCHANGE", R"({"to":"bob"})");

crolang_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}

crolang_lease raw(const modules::Lease& lease) {
  return {borrow(lease.id), lease.token, lease.session, lease.worker};
}

/// What a registry plugin tells this instance.
class GridTest : public ::testing::Test {
 protected:
  explicit GridTest(Policy policy = {}) : harness(policy) {}

  /// Each answer as `yes`, `no`, or the status and its text.
  std::vector<std::string> send_remote(std::string_view id, std::uint64_t token,
                                       std::string_view body) {
    return send_remote(id, token, bob_is, body);
  }
  std::vector<std::string> send_remote(std::string_view id, std::uint64_t token, SessionHandle to,
                                       std::string_view body) {
    std::vector<std::string> answers;
    events.on_message(
        events.ctx, raw(lease_of(id, token, to)), borrow(body),
        [](void* call, crolang_status status, bool yes, crolang_str error) {
          const std::string why(error.data, error.size);
          static_cast<std::vector<std::string>*>(call)->push_back(
              status == CROLANG_OK ? (yes ? "yes" : "no")
                                   : modules::status_name(status) + (": " + why));
        },
        &answers);
    return answers;
  }

  void probe(std::uint64_t token, std::uint32_t timeout_ms = 1500) {
    events.on_probe(
        events.ctx, raw({"bob", token}), timeout_ms,
        [](void* call, crolang_status status, std::int32_t result, crolang_str) {
          EXPECT_EQ(status, CROLANG_OK);
          static_cast<std::vector<std::int32_t>*>(call)->push_back(result);
        },
        &results);
  }

  /// The answer, or the status and its text.
  std::string ask(std::string_view question) {
    std::string answered;
    events.on_ask(
        events.ctx, borrow("there"), borrow(question), 1000,
        [](void* call, crolang_status status, crolang_str text, crolang_str error) {
          auto& answer = *static_cast<std::string*>(call);
          EXPECT_EQ(answer, "");
          answer = status == CROLANG_OK ? std::string(text.data, text.size)
                                        : modules::status_name(status) +
                                              (": " + std::string(error.data, error.size));
        },
        &answered);
    return answered;
  }

  void lose(std::uint64_t token) {
    events.on_lease_lost(events.ctx, raw({"bob", token}));
    harness.run_iteration();
  }

  Harness harness;
  Node& bob = harness.join("bob");
  const SessionHandle bob_is = bob.handle();
  const crolang_registry_events events = registry_events(harness.shared);
  std::vector<std::int32_t> results;
};

const auto kTaken = ElementsAre("yes");
const auto kRefused = ElementsAre("no");

TEST_F(GridTest, FillsTheWholeTable) {
  EXPECT_EQ(events.size, sizeof(crolang_registry_events));
  EXPECT_NE(events.on_unavailable, nullptr);
  EXPECT_NE(events.on_available, nullptr);
}

TEST_F(GridTest, TakesAMessageForASessionOfItsOwn) {
  EXPECT_THAT(send_remote("bob", bob.token(), kMessage), kTaken);

  EXPECT_EQ(harness.flushed, 1u);
  EXPECT_THAT(harness.sent(bob), ElementsAre(kMessage));
}

TEST_F(GridTest, CountsAMessageWhereItIsDelivered) {
  send_remote("bob", bob.token(), kMessage);
  send_remote("bob", bob.token() + 1, kMessage);

  EXPECT_EQ(harness.shared.counters.value(telemetry::Counter::relayed_remote), 1u);
}

TEST_F(GridTest, TakesTheSevenRelayedTypes) {
  for (const std::string_view name : kRelayedNames) {
    EXPECT_THAT(send_remote("bob", bob.token(), event(name, "{}")), kTaken) << name;
  }
}

TEST_F(GridTest, RefusesAMessageForAnotherTokenOfThatId) {
  EXPECT_THAT(send_remote("bob", bob.token() + 1, kMessage), kRefused);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(GridTest, RefusesAMessageThatNamesAnotherSessionThanTheTokens) {
  harness.join("eve");
  SessionHandle later = bob_is;
  ++later.generation;
  SessionHandle elsewhere = bob_is;
  ++elsewhere.worker;
  for (const SessionHandle other : {later, elsewhere, SessionHandle{}}) {
    EXPECT_THAT(send_remote("bob", bob.token(), other, kMessage), kRefused);
  }
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(GridTest, TellsTheRegistryWhichSessionALeaseIsFor) {
  EXPECT_EQ(harness.modules.last(Question::claim).session, bob_is);
  EXPECT_EQ(harness.modules.last(Question::announce).session, bob_is);
}

TEST_F(GridTest, RefusesAMessageForAWorkerThatNoBrokerHas) {
  auto to = raw(lease_of("bob", bob.token(), bob_is));
  to.worker += 0x10000;
  int answers = 0;
  events.on_message(
      events.ctx, to, borrow(kMessage),
      [](void* call, crolang_status status, bool yes, crolang_str) {
        EXPECT_EQ(status, CROLANG_OK);
        EXPECT_FALSE(yes);
        ++*static_cast<int*>(call);
      },
      &answers);
  EXPECT_EQ(answers, 1);
}

TEST_F(GridTest, AnswersAnotherInstanceWithItsStatus) {
  EXPECT_EQ(ask("status"), status_of(harness.shared));
  EXPECT_EQ(ask("status please"), status_of(harness.shared));
}

TEST_F(GridTest, RefusesAQuestionThatItDoesNotKnow) {
  for (const std::string_view question : {"", " status", "statuses", "whatever"}) {
    EXPECT_EQ(ask(question), "invalid answer: unknown question") << question;
  }
}

TEST_F(GridTest, RefusesWhateverIsForAnotherToken) {
  EXPECT_THAT(send_remote("bob", bob.token() + 1, "garbage"), kRefused);
}

TEST_F(GridTest, RefusesAMessageForAnotherIdOfThatToken) {
  EXPECT_THAT(send_remote("eve", bob.token(), kMessage), kRefused);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(GridTest, RefusesAMessageForANodeThatHasLeft) {
  const std::uint64_t token = bob.token();
  harness.cut(bob);

  EXPECT_THAT(send_remote("bob", token, kMessage), kRefused);
}

TEST_F(GridTest, RefusesAMessageForAClosingSession) {
  const std::uint64_t token = bob.token();
  harness.broker.shut_down(bob);
  harness.sent(bob);

  EXPECT_THAT(send_remote("bob", token, kMessage), kRefused);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(GridTest, RefusesAMessageForANodeThatHasNotConnectedYet) {
  Node& eve = harness.request_upgrade(query_of("eve"));
  harness.broker.admit(eve);
  harness.sent(eve);

  EXPECT_THAT(send_remote("eve", eve.token(), kMessage), kRefused);
  EXPECT_THAT(harness.sent(eve), IsEmpty());
}

TEST_F(GridTest, DoesNotAcceptAMalformedBody) {
  for (const std::string_view body :
       {"",
        "2",
        "41",
        "40",
        "42",
        "42[",
        "42[]",
        "garbage",
        R"(43["OK"])",
        R"(42["UNKNOWN","{}"])",
        R"(42["AUTHENTICATED","{}"])",
        R"(42["SOCKET_MSG_EXCHANGE"])",
        R"(42["SOCKET_MSG_EXCHANGE",5])",
        R"(42["SOCKET_MSG_EXCHANGE",{}])",
        R"(42["SOCKET_MSG_EXCHANGE","{}","{}"])",
        R"(421["SOCKET_MSG_EXCHANGE","{}"])",
        R"(42/foo,["SOCKET_MSG_EXCHANGE","{}"])",
        R"(42["SOCKET_MSG_EXCHANGE","{}"]x)",
        "42[\"SOCKET_MSG_EXCHANGE\",\"\xff\"]",
        R"(451-["SOCKET_MSG_EXCHANGE",{"_placeholder":true,"num":0}])"}) {
    EXPECT_THAT(send_remote("bob", bob.token(), body),
                ElementsAre("invalid answer: not a relayed event"))
        << body;
  }
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

class SmallOutboxGridTest : public GridTest {
 protected:
  SmallOutboxGridTest() : GridTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.max_outbox_bytes = 100;
    return policy;
  }
};

TEST_F(SmallOutboxGridTest, CannotAcceptAMessageForANodeThatIsTooFarBehind) {
  EXPECT_THAT(send_remote("bob", bob.token(), kMessage), kTaken);

  EXPECT_THAT(send_remote("bob", bob.token(), event("SOCKET_MSG_EXCHANGE", std::string(90, 'x'))),
              ElementsAre("unavailable: outbox full"));
  EXPECT_THAT(harness.sent(bob), ElementsAre(kMessage));
  EXPECT_EQ(harness.shared.counters.value(telemetry::Counter::outbox_full), 1u);
}

TEST_F(GridTest, ReportsAnUnknownTokenAsGone) {
  probe(bob.token() + 1);

  EXPECT_THAT(results, ElementsAre(CROLANG_GONE));
}

TEST_F(GridTest, ReportsAnAdmissionInProgressAsUnreachable) {
  harness.modules.keep(Question::claim);
  Node& eve = harness.request_upgrade(query_of("eve"));
  harness.broker.admit(eve);

  probe(harness.modules.last(Question::claim).token);

  EXPECT_THAT(results, ElementsAre(CROLANG_UNREACHABLE));
}

TEST_F(GridTest, ProbesTheHolder) {
  probe(bob.token());
  harness.run_iteration();
  EXPECT_THAT(harness.sent(bob), ElementsAre("2"));
  EXPECT_THAT(results, IsEmpty());

  harness.say(bob, "3");

  EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE));
}

TEST_F(GridTest, WaitsForAResponseAsLongAsItIsAsked) {
  probe(bob.token(), 3000);
  harness.run_iteration();
  harness.pass(2999ms);
  EXPECT_THAT(results, IsEmpty());

  harness.pass(1ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED));
  EXPECT_EQ(bob.state(), State::closing);
}

TEST_F(GridTest, EvictsNoNodeAtOnceWhateverTheTimeout) {
  for (const std::uint32_t timeout_ms : {0u, 1u}) {
    probe(bob.token(), timeout_ms);
    harness.run_iteration();
    harness.pass(249ms);
    EXPECT_THAT(results, IsEmpty()) << timeout_ms;
    harness.say(bob, "3");
    EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE)) << timeout_ms;
    results.clear();
  }
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(GridTest, ProbesForAMinuteAtMost) {
  probe(bob.token(), 4'294'967'295u);
  harness.run_iteration();

  harness.pass(60s);

  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED));
}

TEST_F(GridTest, ReportsANodeThatLeavesBeforeTheProbeAsGone) {
  probe(bob.token());
  harness.cut(bob);
  harness.run_iteration();

  EXPECT_THAT(results, ElementsAre(CROLANG_GONE));
}

class ProbesOffTest : public GridTest {
 protected:
  ProbesOffTest() : GridTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.probe_timeout = 0ms;
    return policy;
  }
};

TEST_F(ProbesOffTest, StillWaitsForTheHolderWhenAnotherInstanceAsks) {
  probe(bob.token(), 1500);
  harness.run_iteration();
  harness.pass(1ms);
  EXPECT_THAT(results, IsEmpty());

  harness.say(bob, "3");

  EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE));
}

TEST_F(GridTest, ClosesASessionThatHasLostItsLease) {
  lose(bob.token());

  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_EQ(harness.counters.value(telemetry::Counter::closed_lost_id), 1u);
}

TEST_F(GridTest, ClosesNoSessionForAnUnknownToken) {
  lose(bob.token() + 1);

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(GridTest, DoesNotCloseASessionThatHasANewLease) {
  const std::uint64_t old = bob.token();
  events.on_lease_lost(events.ctx, raw({"bob", old}));
  harness.say(bob, "41");
  harness.say(bob, "40");
  ASSERT_NE(bob.token(), old);
  harness.sent(bob);

  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(GridTest, AsksTheNodeToRetryIfAnAdmissionLosesItsLease) {
  harness.modules.keep(Question::resolve_rtc);
  Node& eve = harness.request_upgrade(query_of("eve"));
  harness.broker.admit(eve);

  lose(harness.modules.last(Question::claim).token);

  EXPECT_EQ(harness.upgrade_result(eve).failure, TemporaryFailure::probing);
  harness.modules.last(Question::resolve_rtc).text(R"({"iceServers":[{"urls":"stun:a"}]})");
  harness.run_iteration();
  EXPECT_FALSE(harness.upgrade_result(eve).open);
}

TEST_F(GridTest, ClosesASessionThatLosesItsLeaseBeforeItConnects) {
  Node& eve = harness.request_upgrade(query_of("eve"));
  harness.broker.admit(eve);
  harness.sent(eve);

  lose(eve.token());

  EXPECT_THAT(harness.sent(eve), ElementsAre("close"));
}

TEST_F(GridTest, DisconnectsNoNodeWhenTheRegistryIsUnavailable) {
  events.on_unavailable(events.ctx, borrow("no route"));
  events.on_available(events.ctx);
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::joined);
}

}  // namespace
}  // namespace crolang::broker
