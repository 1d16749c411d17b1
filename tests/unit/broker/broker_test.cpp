#include "broker/broker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "modules/builtin/builtin.hpp"
#include "unit/broker/house.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::State;
using telemetry::Counter;
using testing::Asked;
using ::testing::ElementsAre;
using testing::event;
using testing::House;
using ::testing::IsEmpty;
using testing::kHere;
using ::testing::MatchesRegex;
using testing::query_of;
using testing::Question;
using testing::Session;
using ::testing::StartsWith;

const std::string kConnected = "40\\{\"sid\":\"[A-Za-z0-9_-]{20}\"\\}";
constexpr std::string_view kAuthenticated = R"(42["AUTHENTICATED",)";

class BrokerTest : public ::testing::Test {
 protected:
  Session& knock(std::string_view id = "bob") {
    Session& session = house.knock(query_of(id));
    house.broker.admit(session);
    return session;
  }
  std::vector<std::uint64_t> tokens(Question question) const {
    std::vector<std::uint64_t> found;
    for (const Asked& asked : house.modules.asked(question)) found.push_back(asked.token);
    return found;
  }

  House house;
};

// ---- coming

TEST_F(BrokerTest, OpensTheTransportOfWhomItAdmits) {
  Session& bob = knock();

  EXPECT_TRUE(house.door(bob).open);
  EXPECT_THAT(house.sent(bob),
              ElementsAre(MatchesRegex("0\\{\"sid\":\"[A-Za-z0-9_-]{20}\",\"upgrades\":\\[\\],"
                                       "\"pingInterval\":25000,\"pingTimeout\":20000,"
                                       "\"maxPayload\":1000000\\}")));
}

TEST_F(BrokerTest, AnswersTheConnectOfWhomItHasAdmitted) {
  Session& bob = knock();
  house.sent(bob);

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob),
              ElementsAre(MatchesRegex(kConnected),
                          R"(42["AUTHENTICATED","{\n  \"iceServers\": [\n    {\n      \"urls\": [)"
                          R"(\n        \"stun:example.org\"\n      ]\n    }\n  ]\n}"])"));
  EXPECT_EQ(bob.state(), State::joined);
  EXPECT_EQ(house.counters.value(Counter::nodes_joined), 1u);
}

TEST_F(BrokerTest, AnnouncesANodeWhenItConnectsAndNotBefore) {
  Session& bob = knock();
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_EQ(house.modules.count(Question::announce), 0u);

  house.say(bob, "40");

  EXPECT_EQ(house.grid.directory.find("bob")->session, bob.handle());
  EXPECT_EQ(house.grid.directory.find("bob")->token, bob.token());
  EXPECT_THAT(tokens(Question::announce), ElementsAre(bob.token()));
  EXPECT_EQ(house.modules.last(Question::announce).id, "bob");
}

TEST_F(BrokerTest, TellsANodeThatItIsConnectedOnceTheGridKnows) {
  house.modules.keep(Question::announce);
  Session& bob = knock();
  house.sent(bob);
  house.say(bob, "40");
  EXPECT_EQ(bob.state(), State::joining);
  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_FALSE(house.grid.directory.find("bob"));
  house.touched_handles.clear();

  house.modules.last(Question::announce).done();
  house.turn();

  EXPECT_EQ(bob.state(), State::joined);
  EXPECT_THAT(house.sent(bob), ElementsAre(MatchesRegex(kConnected), StartsWith(kAuthenticated)));
  EXPECT_TRUE(house.grid.directory.find("bob"));
  EXPECT_THAT(house.touched_handles, ElementsAre(bob.handle()));
}

TEST_F(BrokerTest, LetsANodeJoinAlthoughTheGridCouldNotBeTold) {
  house.modules.on(Question::announce, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  Session& bob = knock();

  house.say(bob, "40");

  EXPECT_EQ(bob.state(), State::joined);
  EXPECT_TRUE(house.grid.directory.find("bob"));
}

TEST_F(BrokerTest, LetsANodeJoinWhenTheGridWasNotToldInTime) {
  house.modules.keep(Question::announce);
  Session& bob = knock();
  house.say(bob, "40");

  house.pass(11s);

  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(BrokerTest, GivesTheLeaseBackOfANodeThatLeavesWhileTheGridIsTold) {
  house.modules.keep(Question::announce);
  Session& bob = knock();
  const std::uint64_t token = bob.token();
  house.say(bob, "40");

  house.cut(bob);
  house.modules.last(Question::announce).done();
  house.turn();

  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_EQ(house.counters.value(Counter::nodes_joined), 0u);
}

TEST_F(BrokerTest, ClosesTheTransportAtASecondConnectWhileTheGridIsTold) {
  house.modules.keep(Question::announce);
  Session& bob = knock();
  house.sent(bob);
  house.say(bob, "40");

  house.say(bob, "40");
  house.modules.last(Question::announce).done();
  house.turn();

  EXPECT_THAT(house.sent(bob), ElementsAre("close"));
  EXPECT_FALSE(house.grid.directory.find("bob"));
}

TEST_F(BrokerTest, ClosesTheTransportOfWhoseIdIsHeldElsewhereWhileTheGridIsTold) {
  house.modules.keep(Question::announce);
  Session& bob = knock();
  house.sent(bob);
  house.say(bob, "40");

  house.broker.expel_holder(bob.handle(), bob.token());
  house.modules.last(Question::announce).done();
  house.turn();

  EXPECT_THAT(house.sent(bob), ElementsAre("close"));
  EXPECT_FALSE(house.grid.directory.find("bob"));
}

TEST_F(BrokerTest, OpensTheTransportOfWhomItRefusesToo) {
  house.modules.on(Question::authenticate, [](const Asked& asked) { asked.no(); });
  Session& bob = knock();
  EXPECT_TRUE(house.door(bob).open);
  house.sent(bob);

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob), ElementsAre(R"(44{"message":"authentication failed"})"));
  EXPECT_EQ(bob.state(), State::waiting);
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_EQ(house.counters.value(Counter::refused_authentication), 1u);
}

TEST_F(BrokerTest, NeverOpensTheTransportInTrouble) {
  house.modules.on(Question::claim, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  Session& bob = knock();

  EXPECT_FALSE(house.door(bob).open);
  EXPECT_EQ(house.door(bob).trouble, Trouble::registry);
  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(house.counters.value(Counter::unavailable_registry), 1u);
}

TEST_F(BrokerTest, OpensTheTransportWhenTheAnswersComeLater) {
  house.modules.delay_answers();
  Session& bob = knock();
  EXPECT_FALSE(house.door(bob).open);

  house.settle();

  EXPECT_TRUE(house.door(bob).open);
}

TEST_F(BrokerTest, HoldsTheLeaseBetweenTransportAndConnect) {
  Session& bob = knock();

  EXPECT_THAT(tokens(Question::claim), ElementsAre(bob.token()));
  EXPECT_TRUE(house.grid.claims.find(bob.token()));
}

// ---- going

TEST_F(BrokerTest, GivesTheLeaseBackWhenTheConnectionEnds) {
  Session& bob = house.join("bob");
  const std::uint64_t token = bob.token();

  house.cut(bob);

  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_FALSE(house.grid.claims.find(token));
}

TEST_F(BrokerTest, GivesTheLeaseBackOfWhoNeverConnects) {
  Session& bob = knock();
  const std::uint64_t token = bob.token();

  house.cut(bob);

  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
}

TEST_F(BrokerTest, GivesTheLeaseBackOfWhoLeavesDuringItsAdmission) {
  house.modules.keep(Question::resolve_rtc);
  Session& bob = knock();

  house.cut(bob);

  EXPECT_EQ(tokens(Question::release), tokens(Question::claim));
  house.modules.last(Question::resolve_rtc).text("{}");
  house.turn();
  EXPECT_EQ(house.modules.count(Question::release), 1u);
}

TEST_F(BrokerTest, FreesTheIdAtADisconnect) {
  Session& bob = house.join("bob");
  const std::uint64_t token = bob.token();

  house.say(bob, "41");

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::waiting);
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
  EXPECT_EQ(bob.token(), 0u);
}

TEST_F(BrokerTest, ReleasesOnceWhoDisconnectsAndIsThenCut) {
  Session& bob = house.join("bob");
  house.say(bob, "41");

  house.cut(bob);

  EXPECT_EQ(house.modules.count(Question::release), 1u);
}

TEST_F(BrokerTest, NeverFreesTheIdOfASuccessor) {
  Session& bob = house.join("bob");
  Session& successor = house.join("bob");

  house.cut(bob);

  EXPECT_EQ(house.grid.directory.find("bob")->session, successor.handle());
}

TEST_F(BrokerTest, ClosesAnIdleTransportAfterADisconnect) {
  Session& bob = house.join("bob");
  house.say(bob, "41");

  bob.tick(house.broker.bench(), house.now + 10s);

  EXPECT_THAT(house.sent(bob), ElementsAre("close"));
}

// ---- coming again

TEST_F(BrokerTest, AdmitsAnewAtALaterConnect) {
  Session& bob = house.join("bob");
  const std::uint64_t first = bob.token();
  house.say(bob, "41");

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob),
              ElementsAre(MatchesRegex(kConnected), StartsWith(R"(42["AUTHENTICATED",)")));
  EXPECT_EQ(house.modules.count(Question::authenticate), 2u);
  EXPECT_NE(bob.token(), first);
  EXPECT_TRUE(house.grid.directory.find("bob"));
}

TEST_F(BrokerTest, SendsANodeBackWhoseRoomWasGivenAwayMeanwhile) {
  Session& bob = house.join("bob");
  house.say(bob, "41");
  house.lacking = Trouble::full;

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(house.modules.count(Question::authenticate), 1u) << "nobody is asked about it";
  EXPECT_EQ(house.counters.value(telemetry::Counter::unavailable_limit), 1u);
}

TEST_F(BrokerTest, AdmitsAnewWhenTheAnswersComeLater) {
  Session& bob = house.join("bob");
  house.say(bob, "41");
  house.modules.delay_answers();
  house.say(bob, "40");
  EXPECT_EQ(bob.state(), State::readmitting);
  house.touched_handles.clear();

  house.settle();

  EXPECT_EQ(bob.state(), State::joined);
  // Admitted, and told so once the grid knows.
  EXPECT_THAT(house.touched_handles, ElementsAre(bob.handle(), bob.handle()));
}

TEST_F(BrokerTest, ClosesTheTransportAtASecondConnectDuringAnAdmission) {
  Session& bob = house.join("bob");
  house.say(bob, "41");
  house.modules.delay_answers();
  house.say(bob, "40");

  house.say(bob, "40");
  house.settle();

  EXPECT_THAT(house.sent(bob), ElementsAre("close"));
  EXPECT_FALSE(house.grid.directory.find("bob"));
}

TEST_F(BrokerTest, RefusesAnewAtALaterConnect) {
  Session& bob = house.join("bob");
  house.say(bob, "41");
  house.modules.on(Question::authenticate, [](const Asked& asked) { asked.no(); });

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob), ElementsAre(R"(44{"message":"authentication failed"})"));
  EXPECT_EQ(bob.state(), State::waiting);
}

TEST_F(BrokerTest, EndsTheTransportInTroubleSinceAConnectErrorWouldBeFinal) {
  Session& bob = house.join("bob");
  house.say(bob, "41");
  house.modules.on(Question::authenticate, [](const Asked& asked) { asked.fail(CROLANG_TIMEOUT); });

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(house.counters.value(Counter::unavailable_authentication), 1u);
}

TEST_F(BrokerTest, AdmitsATransportThreeTimesAtMost) {
  Session& bob = house.join("bob");
  for (int i = 0; i < 2; ++i) {
    house.say(bob, "41");
    house.say(bob, "40");
    ASSERT_EQ(bob.state(), State::joined);
  }
  house.say(bob, "41");
  house.sent(bob);

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob), ElementsAre("close"));
  EXPECT_EQ(house.modules.count(Question::authenticate), 3u);
}

TEST_F(BrokerTest, CountsRefusalsAmongTheThree) {
  Session& bob = house.knock("version=1&runtime=x");
  house.broker.admit(bob);
  house.sent(bob);
  for (int i = 0; i < 3; ++i) {
    house.say(bob, "40");
    EXPECT_EQ(house.sent(bob).size(), 1u);
    EXPECT_EQ(bob.state(), State::waiting);
  }

  house.say(bob, "40");

  EXPECT_THAT(house.sent(bob), ElementsAre("close"));
  EXPECT_EQ(house.counters.value(Counter::refused_missing_field), 3u);
}

// ---- being sent away

TEST_F(BrokerTest, ExpelsForGood) {
  Session& bob = house.join("bob");

  house.broker.expel(bob.handle(), session::EndReason::invalid_node);

  EXPECT_THAT(house.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(house.modules.count(Question::release), 1u);
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_EQ(house.counters.value(Counter::closed_invalid_node), 1u);
}

TEST_F(BrokerTest, ExpelsNobodyTwice) {
  Session& bob = house.join("bob");

  house.broker.expel(bob.handle(), session::EndReason::invalid_node);
  house.broker.expel(bob.handle(), session::EndReason::invalid_node);

  EXPECT_THAT(house.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(house.modules.count(Question::release), 1u);
  EXPECT_EQ(house.counters.value(Counter::closed_invalid_node), 1u);
}

TEST_F(BrokerTest, ExpelsNobodyThroughAStaleHandle) {
  Session& bob = house.join("bob");
  const SessionHandle stale = bob.handle();
  house.cut(bob);
  Session& eve = house.join("eve");

  house.broker.expel(stale, session::EndReason::invalid_node);

  EXPECT_EQ(eve.state(), State::joined);
}

TEST_F(BrokerTest, ExpelsOnlyTheHolderOfTheTokenThatWasLost) {
  Session& bob = house.join("bob");

  house.broker.expel_holder(bob.handle(), bob.token() + 1);
  EXPECT_EQ(bob.state(), State::joined);
  house.broker.expel_holder(bob.handle(), bob.token());

  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(house.counters.value(Counter::closed_lost_id), 1u);
}

TEST_F(BrokerTest, ShutsDownSoThatTheNodeComesBack) {
  Session& bob = house.join("bob");

  house.broker.shut_down(bob);

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(house.modules.count(Question::release), 1u);
}

// ---- one id, several nodes, with the built-in registry

class BuiltInRegistryTest : public BrokerTest {
 protected:
  BuiltInRegistryTest() {
    house.modules.table.registry = {modules::builtin::memory_registry_table(), registry.get(), ""};
    modules::builtin::memory_registry_table()->bind(registry.get(), {kHere.data(), kHere.size()},
                                                    nullptr, nullptr, 0);
  }

  std::unique_ptr<modules::builtin::MemoryRegistry,
                  decltype(&modules::builtin::destroy_memory_registry)>
      registry{modules::builtin::make_memory_registry(),
               &modules::builtin::destroy_memory_registry};
};

TEST_F(BuiltInRegistryTest, LetsTheNextOneInAsSoonAsTheFirstHasLeft) {
  house.cut(house.join("bob"));

  Session& next = house.join("bob");

  EXPECT_EQ(next.state(), State::joined);
}

TEST_F(BuiltInRegistryTest, LetsNobodyTakeTheIdOfWhoIsAlive) {
  Session& bob = house.join("bob");
  std::vector<Session*> newcomers;
  for (int i = 0; i < 50; ++i) newcomers.push_back(&knock());
  house.turn();
  EXPECT_THAT(house.sent(bob), ElementsAre("2"));

  house.say(bob, "3");
  house.turn();

  for (Session* newcomer : newcomers) {
    EXPECT_TRUE(house.door(*newcomer).open);
    house.sent(*newcomer);
    house.say(*newcomer, "40");
    EXPECT_THAT(house.sent(*newcomer), ElementsAre(R"(44{"message":"client already connected"})"));
  }
  EXPECT_EQ(house.grid.directory.find("bob")->session, bob.handle());
}

TEST_F(BuiltInRegistryTest, LetsOneOfManyTakeTheIdOfWhoIsSilent) {
  Session& bob = house.join("bob");
  std::vector<Session*> newcomers;
  for (int i = 0; i < 50; ++i) newcomers.push_back(&knock());
  house.turn();

  house.pass(1500ms);

  EXPECT_EQ(bob.state(), State::closing);
  int winners = 0;
  for (const Session* newcomer : newcomers) {
    if (house.door(*newcomer).open) {
      ++winners;
    } else {
      EXPECT_EQ(house.door(*newcomer).trouble, Trouble::probing);
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(BuiltInRegistryTest, LetsTheWinnerBeFound) {
  house.join("bob");
  Session& winner = knock();
  house.turn();
  house.pass(1500ms);
  house.say(winner, "40");
  Session& ann = house.join("ann");
  house.sent(winner);

  house.say(ann, event("SOCKET_MSG_EXCHANGE", R"({"to":"bob"})", "1"));

  EXPECT_THAT(house.sent(ann), ElementsAre(R"(431["OK"])"));
  EXPECT_EQ(house.sent(winner).size(), 1u);
}

TEST_F(BuiltInRegistryTest, ForgetsALeaseWhoseAdmissionWasCancelled) {
  house.modules.keep(Question::resolve_rtc);
  house.cut(knock());
  house.modules.on(Question::resolve_rtc,
                   [](const Asked& asked) { asked.text(R"({"iceServers":[{"urls":"stun:a"}]})"); });

  EXPECT_EQ(house.join("bob").state(), State::joined);
}

// ---- time

TEST_F(BrokerTest, SweepsWhenItsTimeHasCome) {
  house.join("bob");
  house.broker.start_sweeping(30s, house.now);
  EXPECT_EQ(house.deadline(), house.now + 30s);

  house.pass(30s);

  EXPECT_EQ(house.modules.count(Question::check_validity), 1u);
}

TEST_F(BrokerTest, IsDueWhenAQuestionOrAProbeIs) {
  EXPECT_EQ(house.deadline(), Broker::TimePoint::max());
  Session& bob = house.join("bob");
  house.broker.probe(bob.handle(), bob.token(), 1500ms, [](std::int32_t) {});
  EXPECT_EQ(house.deadline(), house.now + 1500ms);

  house.say(bob, "3");
  house.modules.keep(Question::authenticate);
  knock("eve");

  EXPECT_NE(house.deadline(), Broker::TimePoint::max());
  EXPECT_GT(house.deadline(), house.now + 5s);
}

}  // namespace
}  // namespace crolang::broker
