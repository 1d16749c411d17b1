#include "broker/grid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/broker/house.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::State;
using ::testing::ElementsAre;
using testing::event;
using testing::House;
using ::testing::IsEmpty;
using testing::query_of;
using testing::Question;
using testing::Session;

const std::string kMessage = event("SOCKET_MSG_EXCHANGE", R"({"to":"bob"})");

crolang_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}

/// What a registry plugin tells this instance.
class GridTest : public ::testing::Test {
 protected:
  explicit GridTest(Policy policy = {}) : house(policy) {}

  /// Each answer as `yes`, `no`, or the status and its text.
  std::vector<std::string> hand_over(std::string_view id, std::uint64_t token,
                                     std::string_view body) {
    std::vector<std::string> answers;
    events.on_message(
        events.ctx, {borrow(id), token}, borrow(body),
        [](void* op, crolang_status status, bool yes, crolang_str error) {
          const std::string why(error.data, error.size);
          static_cast<std::vector<std::string>*>(op)->push_back(
              status == CROLANG_OK ? (yes ? "yes" : "no")
                                   : modules::status_name(status) + (": " + why));
        },
        &answers);
    return answers;
  }

  void probe(std::uint64_t token, std::uint32_t timeout_ms = 1500) {
    events.on_probe(
        events.ctx, {borrow("bob"), token}, timeout_ms,
        [](void* op, crolang_status status, std::int32_t verdict, crolang_str) {
          EXPECT_EQ(status, CROLANG_OK);
          static_cast<std::vector<std::int32_t>*>(op)->push_back(verdict);
        },
        &verdicts);
  }

  void lose(std::uint64_t token) {
    events.on_lost(events.ctx, {borrow("bob"), token});
    house.turn();
  }

  House house;
  Session& bob = house.join("bob");
  const crolang_registry_events events = registry_events(house.grid);
  std::vector<std::int32_t> verdicts;
};

const auto kTaken = ElementsAre("yes");
const auto kRefused = ElementsAre("no");

TEST_F(GridTest, FillsTheWholeTable) {
  EXPECT_EQ(events.size, sizeof(crolang_registry_events));
  EXPECT_NE(events.on_unavailable, nullptr);
  EXPECT_NE(events.on_available, nullptr);
}

TEST_F(GridTest, TakesAMessageForASessionOfItsOwn) {
  EXPECT_THAT(hand_over("bob", bob.token(), kMessage), kTaken);

  EXPECT_EQ(house.flushed, 1u);
  EXPECT_THAT(house.sent(bob), ElementsAre(kMessage));
}

TEST_F(GridTest, CountsAMessageWhereItIsDelivered) {
  hand_over("bob", bob.token(), kMessage);
  hand_over("bob", bob.token() + 1, kMessage);

  EXPECT_EQ(house.grid.counters.value(telemetry::Counter::relayed_remote), 1u);
}

TEST_F(GridTest, TakesTheSevenRelayedTypes) {
  for (const std::string_view name : kRelayedNames) {
    EXPECT_THAT(hand_over("bob", bob.token(), event(name, "{}")), kTaken) << name;
  }
}

TEST_F(GridTest, RefusesAMessageForAnotherTokenOfThatId) {
  EXPECT_THAT(hand_over("bob", bob.token() + 1, kMessage), kRefused);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(GridTest, RefusesWhateverIsForAnotherToken) {
  EXPECT_THAT(hand_over("bob", bob.token() + 1, "garbage"), kRefused);
}

TEST_F(GridTest, RefusesAMessageForAnotherIdOfThatToken) {
  EXPECT_THAT(hand_over("eve", bob.token(), kMessage), kRefused);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(GridTest, RefusesAMessageForWhoHasLeft) {
  const std::uint64_t token = bob.token();
  house.cut(bob);

  EXPECT_THAT(hand_over("bob", token, kMessage), kRefused);
}

TEST_F(GridTest, RefusesAMessageForWhoIsClosing) {
  const std::uint64_t token = bob.token();
  house.broker.shut_down(bob);
  house.sent(bob);

  EXPECT_THAT(hand_over("bob", token, kMessage), kRefused);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(GridTest, RefusesAMessageForWhoHasNotConnectedYet) {
  Session& eve = house.knock(query_of("eve"));
  house.broker.admit(eve);
  house.sent(eve);

  EXPECT_THAT(hand_over("eve", eve.token(), kMessage), kRefused);
  EXPECT_THAT(house.sent(eve), IsEmpty());
}

TEST_F(GridTest, DoesNotTakeWhatNoBrokerSends) {
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
    EXPECT_THAT(hand_over("bob", bob.token(), body),
                ElementsAre("invalid answer: not a relayed event"))
        << body;
  }
  EXPECT_THAT(house.sent(bob), IsEmpty());
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

TEST_F(SmallOutboxGridTest, CouldNotTakeAMessageForWhoIsTooFarBehind) {
  EXPECT_THAT(hand_over("bob", bob.token(), kMessage), kTaken);

  EXPECT_THAT(hand_over("bob", bob.token(), event("SOCKET_MSG_EXCHANGE", std::string(90, 'x'))),
              ElementsAre("unavailable: outbox full"));
  EXPECT_THAT(house.sent(bob), ElementsAre(kMessage));
  EXPECT_EQ(house.grid.counters.value(telemetry::Counter::outbox_full), 1u);
}

TEST_F(GridTest, SaysGoneOfATokenThatNobodyHas) {
  probe(bob.token() + 1);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_GONE));
}

TEST_F(GridTest, SaysUnreachableOfAnAdmissionUnderWay) {
  house.modules.keep(Question::claim);
  Session& eve = house.knock(query_of("eve"));
  house.broker.admit(eve);

  probe(house.modules.last(Question::claim).token);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_UNREACHABLE));
}

TEST_F(GridTest, AsksTheHolderForASignOfLife) {
  probe(bob.token());
  house.turn();
  EXPECT_THAT(house.sent(bob), ElementsAre("2"));
  EXPECT_THAT(verdicts, IsEmpty());

  house.say(bob, "3");

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE));
}

TEST_F(GridTest, WaitsForASignOfLifeAsLongAsItIsAsked) {
  probe(bob.token(), 3000);
  house.turn();
  house.pass(2999ms);
  EXPECT_THAT(verdicts, IsEmpty());

  house.pass(1ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED));
  EXPECT_EQ(bob.state(), State::closing);
}

TEST_F(GridTest, EvictsNobodyAtOnceWhateverItIsAsked) {
  for (const std::uint32_t timeout_ms : {0u, 1u}) {
    probe(bob.token(), timeout_ms);
    house.turn();
    house.pass(249ms);
    EXPECT_THAT(verdicts, IsEmpty()) << timeout_ms;
    house.say(bob, "3");
    EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE)) << timeout_ms;
    verdicts.clear();
  }
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(GridTest, WatchesNobodyForLongerThanAMinute) {
  probe(bob.token(), 4'294'967'295u);
  house.turn();

  house.pass(60s);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED));
}

TEST_F(GridTest, SaysGoneOfWhoLeavesBeforeItIsAsked) {
  probe(bob.token());
  house.cut(bob);
  house.turn();

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_GONE));
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
  house.turn();
  house.pass(1ms);
  EXPECT_THAT(verdicts, IsEmpty());

  house.say(bob, "3");

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE));
}

TEST_F(GridTest, ClosesWhoHasLostItsLease) {
  lose(bob.token());

  EXPECT_THAT(house.sent(bob), ElementsAre("41", "close"));
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_EQ(house.counters.value(telemetry::Counter::closed_lost_id), 1u);
}

TEST_F(GridTest, ClosesNobodyForATokenThatNobodyHas) {
  lose(bob.token() + 1);

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(GridTest, DoesNotCloseWhoHasJoinedUnderANewLeaseMeanwhile) {
  const std::uint64_t old = bob.token();
  events.on_lost(events.ctx, {borrow("bob"), old});
  house.say(bob, "41");
  house.say(bob, "40");
  ASSERT_NE(bob.token(), old);
  house.sent(bob);

  house.turn();

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(GridTest, TellsAnAdmissionThatLostItsLeaseToComeAgain) {
  house.modules.keep(Question::resolve_rtc);
  Session& eve = house.knock(query_of("eve"));
  house.broker.admit(eve);

  lose(house.modules.last(Question::claim).token);

  EXPECT_EQ(house.door(eve).trouble, Trouble::probing);
  house.modules.last(Question::resolve_rtc).text(R"({"iceServers":[{"urls":"stun:a"}]})");
  house.turn();
  EXPECT_FALSE(house.door(eve).open);
}

TEST_F(GridTest, ClosesWhoLosesItsLeaseBeforeItConnects) {
  Session& eve = house.knock(query_of("eve"));
  house.broker.admit(eve);
  house.sent(eve);

  lose(eve.token());

  EXPECT_THAT(house.sent(eve), ElementsAre("close"));
}

TEST_F(GridTest, DisconnectsNobodyWhenTheRegistryIsAway) {
  events.on_unavailable(events.ctx, borrow("no route"));
  events.on_available(events.ctx);
  house.turn();

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::joined);
}

}  // namespace
}  // namespace crolang::broker
