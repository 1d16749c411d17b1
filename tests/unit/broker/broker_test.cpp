#include "broker/broker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "modules/builtin/builtin.hpp"
#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::State;
using telemetry::Counter;
using testing::Asked;
using ::testing::ElementsAre;
using testing::event;
using testing::Harness;
using ::testing::IsEmpty;
using testing::kHere;
using ::testing::MatchesRegex;
using testing::query_of;
using testing::Question;
using ::testing::StartsWith;

const std::string kConnected = "40\\{\"sid\":\"[A-Za-z0-9_-]{20}\"\\}";
constexpr std::string_view kAuthenticated = R"(42["AUTHENTICATED",)";

class BrokerTest : public ::testing::Test {
 protected:
  Node& request_upgrade(std::string_view id = "bob") {
    Node& session = harness.request_upgrade(query_of(id));
    harness.broker.admit(session);
    return session;
  }
  std::vector<std::uint64_t> tokens(Question question) const {
    std::vector<std::uint64_t> found;
    for (const Asked& asked : harness.modules.asked(question)) found.push_back(asked.token);
    return found;
  }

  Harness harness;
};

// ---- for a limited time

class LimitedTest : public BrokerTest {
 protected:
  LimitedTest() {
    harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes_for(60s); });
  }
};

TEST_F(LimitedTest, DisconnectsANodeWhenItsAuthenticationExpires) {
  Node& bob = harness.join("bob");
  EXPECT_GE(harness.deadline(), harness.now + 57s);
  EXPECT_LE(harness.deadline(), harness.now + 60s);
  harness.pass(57s - 1ms);
  EXPECT_EQ(bob.state(), State::joined);
  harness.touched_handles.clear();

  harness.pass(3s + 1ms);

  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_THAT(harness.sent(bob), IsEmpty()) << "neither 41 nor a close frame: it shall come back";
  EXPECT_THAT(harness.touched_handles, ElementsAre(bob.handle()));
  EXPECT_EQ(harness.counters.value(Counter::closed_authentication_expired), 1u);
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
  EXPECT_FALSE(harness.shared.directory.find("bob"));
}

TEST_F(LimitedTest, DisconnectsANodeThatHasNotConnectedYet) {
  Node& bob = request_upgrade();
  harness.pass(60s);
  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(harness.counters.value(Counter::closed_authentication_expired), 1u);
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
}

TEST_F(LimitedTest, ForgetsTheExpiryOfANodeThatHasLeft) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.pass(60s);
  EXPECT_EQ(bob.state(), State::waiting);
  EXPECT_EQ(harness.counters.value(Counter::closed_authentication_expired), 0u);
}

TEST_F(LimitedTest, CountsFromTheLatestAdmission) {
  Node& bob = harness.join("bob");
  harness.pass(30s);
  harness.say(bob, "41");
  harness.say(bob, "40");
  EXPECT_EQ(bob.state(), State::joined);
  harness.pass(56s);
  EXPECT_EQ(bob.state(), State::joined);
  harness.pass(4s);
  EXPECT_EQ(bob.state(), State::closing);
}

TEST_F(LimitedTest, EndsSessionsThatBeganTogetherAtDifferentTimes) {
  std::set<session::TimePoint> ends;
  for (int i = 0; i < 20; ++i) {
    Node& bob = harness.join("bob");
    ends.insert(harness.deadline());
    harness.cut(bob);
    harness.run_iteration();
  }
  EXPECT_GT(ends.size(), 15u);
}

class AgeTest : public ::testing::Test {
 protected:
  Harness harness{{.max_connection_age = 100s}};
};

TEST_F(AgeTest, SendsANodeBackThatHasReachedIt) {
  Node& bob = harness.join("bob");
  EXPECT_GE(harness.deadline(), harness.now + 90s);
  EXPECT_LE(harness.deadline(), harness.now + 100s);
  harness.pass(100s);

  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_THAT(harness.sent(bob), IsEmpty()) << "neither 41 nor a close frame: it shall come back";
  EXPECT_EQ(harness.counters.value(Counter::closed_max_age), 1u);
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
}

TEST_F(AgeTest, GivesWayToAnAuthenticationThatExpiresEarlier) {
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes_for(60s); });
  harness.join("bob");
  harness.pass(60s);
  EXPECT_EQ(harness.counters.value(Counter::closed_authentication_expired), 1u);
  EXPECT_EQ(harness.counters.value(Counter::closed_max_age), 0u);
}

TEST_F(AgeTest, EndsASessionWhoseAuthenticationExpiresLater) {
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes_for(1h); });
  harness.join("bob");
  harness.pass(100s);
  EXPECT_EQ(harness.counters.value(Counter::closed_max_age), 1u);
}

TEST_F(LimitedTest, KeepsANodeThatIsThenAdmittedWithoutALimit) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes(); });
  harness.say(bob, "40");
  harness.pass(60s);
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(LimitedTest, DoesNotTouchTheNextNodeInItsPlace) {
  Node& bob = harness.join("bob");
  const auto slot = bob.handle().slot;
  harness.cut(bob);
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.yes(); });
  Node& carol = harness.join("carol");
  ASSERT_EQ(carol.handle().slot, slot);
  harness.pass(60s);
  EXPECT_EQ(carol.state(), State::joined);
}

// ---- coming

TEST_F(BrokerTest, OpensTheTransportOfAnAdmittedNode) {
  Node& bob = request_upgrade();

  EXPECT_TRUE(harness.upgrade_result(bob).open);
  EXPECT_THAT(harness.sent(bob),
              ElementsAre(MatchesRegex("0\\{\"sid\":\"[A-Za-z0-9_-]{20}\",\"upgrades\":\\[\\],"
                                       "\"pingInterval\":25000,\"pingTimeout\":20000,"
                                       "\"maxPayload\":1000000\\}")));
}

TEST_F(BrokerTest, AnswersTheConnectOfAnAdmittedNode) {
  Node& bob = request_upgrade();
  harness.sent(bob);

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob),
              ElementsAre(MatchesRegex(kConnected),
                          R"(42["AUTHENTICATED","{\n  \"iceServers\": [\n    {\n      \"urls\": [)"
                          R"(\n        \"stun:example.org\"\n      ]\n    }\n  ]\n}"])"));
  EXPECT_EQ(bob.state(), State::joined);
  EXPECT_EQ(harness.counters.value(Counter::nodes_joined), 1u);
}

TEST_F(BrokerTest, AnnouncesANodeWhenItConnectsAndNotBefore) {
  Node& bob = request_upgrade();
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_EQ(harness.modules.count(Question::announce), 0u);

  harness.say(bob, "40");

  EXPECT_EQ(harness.shared.directory.find("bob")->session, bob.handle());
  EXPECT_EQ(harness.shared.directory.find("bob")->token, bob.token());
  EXPECT_THAT(tokens(Question::announce), ElementsAre(bob.token()));
  EXPECT_EQ(harness.modules.last(Question::announce).id, "bob");
}

TEST_F(BrokerTest, TellsANodeThatItIsConnectedAfterTheAnnouncement) {
  harness.modules.keep(Question::announce);
  Node& bob = request_upgrade();
  harness.sent(bob);
  harness.say(bob, "40");
  EXPECT_EQ(bob.state(), State::joining);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  harness.touched_handles.clear();

  harness.modules.last(Question::announce).done();
  harness.run_iteration();

  EXPECT_EQ(bob.state(), State::joined);
  EXPECT_THAT(harness.sent(bob), ElementsAre(MatchesRegex(kConnected), StartsWith(kAuthenticated)));
  EXPECT_TRUE(harness.shared.directory.find("bob"));
  EXPECT_THAT(harness.touched_handles, ElementsAre(bob.handle()));
}

TEST_F(BrokerTest, LetsANodeJoinAlthoughTheAnnouncementFailed) {
  harness.modules.on(Question::announce,
                     [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  Node& bob = request_upgrade();

  harness.say(bob, "40");

  EXPECT_EQ(bob.state(), State::joined);
  EXPECT_TRUE(harness.shared.directory.find("bob"));
}

TEST_F(BrokerTest, LetsANodeJoinWhenTheAnnouncementTimesOut) {
  harness.modules.keep(Question::announce);
  Node& bob = request_upgrade();
  harness.say(bob, "40");

  harness.pass(11s);

  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(BrokerTest, ReleasesTheLeaseOfANodeThatLeavesDuringTheAnnouncement) {
  harness.modules.keep(Question::announce);
  Node& bob = request_upgrade();
  const std::uint64_t token = bob.token();
  harness.say(bob, "40");

  harness.cut(bob);
  harness.modules.last(Question::announce).done();
  harness.run_iteration();

  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_EQ(harness.counters.value(Counter::nodes_joined), 0u);
}

TEST_F(BrokerTest, ClosesTheTransportAtASecondConnectDuringTheAnnouncement) {
  harness.modules.keep(Question::announce);
  Node& bob = request_upgrade();
  harness.sent(bob);
  harness.say(bob, "40");

  harness.say(bob, "40");
  harness.modules.last(Question::announce).done();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), ElementsAre("close"));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
}

TEST_F(BrokerTest, ClosesTheTransportIfTheLeaseIsLostDuringTheAnnouncement) {
  harness.modules.keep(Question::announce);
  Node& bob = request_upgrade();
  harness.sent(bob);
  harness.say(bob, "40");

  harness.broker.execute(DisconnectHolder{bob.handle(), bob.token()});
  harness.modules.last(Question::announce).done();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), ElementsAre("close"));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
}

TEST_F(BrokerTest, OpensTheTransportOfARefusedNodeToo) {
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.no(); });
  Node& bob = request_upgrade();
  EXPECT_TRUE(harness.upgrade_result(bob).open);
  harness.sent(bob);

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob), ElementsAre(R"(44{"message":"authentication failed"})"));
  EXPECT_EQ(bob.state(), State::waiting);
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_EQ(harness.counters.value(Counter::refused_authentication), 1u);
}

TEST_F(BrokerTest, NeverOpensTheTransportAfterATemporaryFailure) {
  harness.modules.on(Question::claim, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  Node& bob = request_upgrade();

  EXPECT_FALSE(harness.upgrade_result(bob).open);
  EXPECT_EQ(harness.upgrade_result(bob).failure, TemporaryFailure::registry);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(harness.counters.value(Counter::unavailable_registry), 1u);
}

TEST_F(BrokerTest, OpensTheTransportWhenTheAnswersComeLater) {
  harness.modules.delay_answers();
  Node& bob = request_upgrade();
  EXPECT_FALSE(harness.upgrade_result(bob).open);

  harness.settle();

  EXPECT_TRUE(harness.upgrade_result(bob).open);
}

TEST_F(BrokerTest, HoldsTheLeaseBetweenTransportAndConnect) {
  Node& bob = request_upgrade();

  EXPECT_THAT(tokens(Question::claim), ElementsAre(bob.token()));
  EXPECT_TRUE(harness.shared.claims.find(bob.token()));
}

// ---- going

TEST_F(BrokerTest, ReleasesTheLeaseWhenTheConnectionEnds) {
  Node& bob = harness.join("bob");
  const std::uint64_t token = bob.token();

  harness.cut(bob);

  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_FALSE(harness.shared.claims.find(token));
}

TEST_F(BrokerTest, ReleasesTheLeaseOfANodeThatNeverConnects) {
  Node& bob = request_upgrade();
  const std::uint64_t token = bob.token();

  harness.cut(bob);

  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
}

TEST_F(BrokerTest, ReleasesTheLeaseOfANodeThatLeavesDuringItsAdmission) {
  harness.modules.keep(Question::resolve_rtc);
  Node& bob = request_upgrade();

  harness.cut(bob);

  EXPECT_EQ(tokens(Question::release), tokens(Question::claim));
  harness.modules.last(Question::resolve_rtc).text("{}");
  harness.run_iteration();
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
}

TEST_F(BrokerTest, FreesTheIdAtADisconnect) {
  Node& bob = harness.join("bob");
  const std::uint64_t token = bob.token();

  harness.say(bob, "41");

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.state(), State::waiting);
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_THAT(tokens(Question::release), ElementsAre(token));
  EXPECT_EQ(bob.token(), 0u);
}

TEST_F(BrokerTest, ReleasesOnceIfANodeDisconnectsAndItsConnectionThenBreaks) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");

  harness.cut(bob);

  EXPECT_EQ(harness.modules.count(Question::release), 1u);
}

TEST_F(BrokerTest, NeverFreesTheIdOfASuccessor) {
  Node& bob = harness.join("bob");
  Node& successor = harness.join("bob");

  harness.cut(bob);

  EXPECT_EQ(harness.shared.directory.find("bob")->session, successor.handle());
}

TEST_F(BrokerTest, ClosesAnIdleTransportAfterADisconnect) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");

  bob.tick(harness.broker.context(), harness.now + 10s);

  EXPECT_THAT(harness.sent(bob), ElementsAre("close"));
}

// ---- coming again

TEST_F(BrokerTest, AdmitsAnewAtALaterConnect) {
  Node& bob = harness.join("bob");
  const std::uint64_t first = bob.token();
  harness.say(bob, "41");

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob),
              ElementsAre(MatchesRegex(kConnected), StartsWith(R"(42["AUTHENTICATED",)")));
  EXPECT_EQ(harness.modules.count(Question::authenticate), 2u);
  EXPECT_NE(bob.token(), first);
  EXPECT_TRUE(harness.shared.directory.find("bob"));
}

TEST_F(BrokerTest, DisconnectsANodeIfThereIsNoCapacityAnyMore) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.no_capacity = TemporaryFailure::full;

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(harness.modules.count(Question::authenticate), 1u) << "nobody is asked about it";
  EXPECT_EQ(harness.counters.value(telemetry::Counter::unavailable_limit), 1u);
}

TEST_F(BrokerTest, AdmitsAnewWhenTheAnswersComeLater) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.modules.delay_answers();
  harness.say(bob, "40");
  EXPECT_EQ(bob.state(), State::readmitting);
  harness.touched_handles.clear();

  harness.settle();

  EXPECT_EQ(bob.state(), State::joined);
  // Admitted, and told so once the grid knows.
  EXPECT_THAT(harness.touched_handles, ElementsAre(bob.handle(), bob.handle()));
}

TEST_F(BrokerTest, ClosesTheTransportAtASecondConnectDuringAnAdmission) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.modules.delay_answers();
  harness.say(bob, "40");

  harness.say(bob, "40");
  harness.settle();

  EXPECT_THAT(harness.sent(bob), ElementsAre("close"));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
}

TEST_F(BrokerTest, RefusesAnewAtALaterConnect) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.modules.on(Question::authenticate, [](const Asked& asked) { asked.no(); });

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob), ElementsAre(R"(44{"message":"authentication failed"})"));
  EXPECT_EQ(bob.state(), State::waiting);
}

TEST_F(BrokerTest, EndsTheTransportAtAFailureSinceAConnectErrorWouldBeFinal) {
  Node& bob = harness.join("bob");
  harness.say(bob, "41");
  harness.modules.on(Question::authenticate,
                     [](const Asked& asked) { asked.fail(CROLANG_TIMEOUT); });

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(harness.counters.value(Counter::unavailable_authentication), 1u);
}

TEST_F(BrokerTest, AdmitsATransportThreeTimesAtMost) {
  Node& bob = harness.join("bob");
  for (int i = 0; i < 2; ++i) {
    harness.say(bob, "41");
    harness.say(bob, "40");
    ASSERT_EQ(bob.state(), State::joined);
  }
  harness.say(bob, "41");
  harness.sent(bob);

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob), ElementsAre("close"));
  EXPECT_EQ(harness.modules.count(Question::authenticate), 3u);
}

TEST_F(BrokerTest, CountsRefusalsAmongTheThree) {
  Node& bob = harness.request_upgrade("version=1&runtime=x");
  harness.broker.admit(bob);
  harness.sent(bob);
  for (int i = 0; i < 3; ++i) {
    harness.say(bob, "40");
    EXPECT_EQ(harness.sent(bob).size(), 1u);
    EXPECT_EQ(bob.state(), State::waiting);
  }

  harness.say(bob, "40");

  EXPECT_THAT(harness.sent(bob), ElementsAre("close"));
  EXPECT_EQ(harness.counters.value(Counter::refused_missing_field), 3u);
}

// ---- being sent away

TEST_F(BrokerTest, DisconnectsPermanently) {
  Node& bob = harness.join("bob");

  harness.broker.execute(DisconnectSession{bob.handle(), session::EndReason::invalid_node});

  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_EQ(harness.counters.value(Counter::closed_invalid_node), 1u);
}

TEST_F(BrokerTest, DisconnectsANodeOnce) {
  Node& bob = harness.join("bob");

  harness.broker.execute(DisconnectSession{bob.handle(), session::EndReason::invalid_node});
  harness.broker.execute(DisconnectSession{bob.handle(), session::EndReason::invalid_node});

  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
  EXPECT_EQ(harness.counters.value(Counter::closed_invalid_node), 1u);
}

TEST_F(BrokerTest, DisconnectsNoNodeThroughAStaleHandle) {
  Node& bob = harness.join("bob");
  const SessionHandle stale = bob.handle();
  harness.cut(bob);
  Node& eve = harness.join("eve");

  harness.broker.execute(DisconnectSession{stale, session::EndReason::invalid_node});

  EXPECT_EQ(eve.state(), State::joined);
}

TEST_F(BrokerTest, DisconnectsOnlyTheHolderOfTheLostToken) {
  Node& bob = harness.join("bob");

  harness.broker.execute(DisconnectHolder{bob.handle(), bob.token() + 1});
  EXPECT_EQ(bob.state(), State::joined);
  harness.broker.execute(DisconnectHolder{bob.handle(), bob.token()});

  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(harness.counters.value(Counter::closed_lost_id), 1u);
}

TEST_F(BrokerTest, ShutsDownSoThatTheNodeReconnects) {
  Node& bob = harness.join("bob");

  harness.broker.shut_down(bob);

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(bob.ending(), session::Ending::finish);
  EXPECT_EQ(harness.modules.count(Question::release), 1u);
}

// ---- one id, several nodes, with the built-in registry

class BuiltInRegistryTest : public BrokerTest {
 protected:
  BuiltInRegistryTest() {
    harness.modules.table.of<modules::Kind::registry>() = {
        modules::builtin::memory_registry_table(), registry.get(), ""};
    modules::builtin::memory_registry_table()->bind(registry.get(), {kHere.data(), kHere.size()},
                                                    nullptr, nullptr, 0);
  }

  std::unique_ptr<modules::builtin::MemoryRegistry,
                  decltype(&modules::builtin::destroy_memory_registry)>
      registry{modules::builtin::make_memory_registry(),
               &modules::builtin::destroy_memory_registry};
};

TEST_F(BuiltInRegistryTest, AdmitsTheNextNodeAsSoonAsTheFirstHasLeft) {
  harness.cut(harness.join("bob"));

  Node& next = harness.join("bob");

  EXPECT_EQ(next.state(), State::joined);
}

TEST_F(BuiltInRegistryTest, KeepsTheIdOfANodeThatIsAlive) {
  Node& bob = harness.join("bob");
  std::vector<Node*> newcomers;
  for (int i = 0; i < 50; ++i) newcomers.push_back(&request_upgrade());
  harness.run_iteration();
  EXPECT_THAT(harness.sent(bob), ElementsAre("2"));

  harness.say(bob, "3");
  harness.run_iteration();

  for (Node* newcomer : newcomers) {
    EXPECT_TRUE(harness.upgrade_result(*newcomer).open);
    harness.sent(*newcomer);
    harness.say(*newcomer, "40");
    EXPECT_THAT(harness.sent(*newcomer),
                ElementsAre(R"(44{"message":"client already connected"})"));
  }
  EXPECT_EQ(harness.shared.directory.find("bob")->session, bob.handle());
}

TEST_F(BuiltInRegistryTest, LetsOneOfManyTakeTheIdOfASilentNode) {
  Node& bob = harness.join("bob");
  std::vector<Node*> newcomers;
  for (int i = 0; i < 50; ++i) newcomers.push_back(&request_upgrade());
  harness.run_iteration();

  harness.pass(1500ms);

  EXPECT_EQ(bob.state(), State::closing);
  int winners = 0;
  for (const Node* newcomer : newcomers) {
    if (harness.upgrade_result(*newcomer).open) {
      ++winners;
    } else {
      EXPECT_EQ(harness.upgrade_result(*newcomer).failure, TemporaryFailure::probing);
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(BuiltInRegistryTest, LetsTheWinnerBeFound) {
  harness.join("bob");
  Node& winner = request_upgrade();
  harness.run_iteration();
  harness.pass(1500ms);
  harness.say(winner, "40");
  Node& ann = harness.join("ann");
  harness.sent(winner);

  harness.say(ann, event("SOCKET_MSG_EXCHANGE", R"({"to":"bob"})", "1"));

  EXPECT_THAT(harness.sent(ann), ElementsAre(R"(431["OK"])"));
  EXPECT_EQ(harness.sent(winner).size(), 1u);
}

TEST_F(BuiltInRegistryTest, ForgetsALeaseWhoseAdmissionWasCancelled) {
  harness.modules.keep(Question::resolve_rtc);
  harness.cut(request_upgrade());
  harness.modules.on(Question::resolve_rtc, [](const Asked& asked) {
    asked.text(R"({"iceServers":[{"urls":"stun:a"}]})");
  });

  EXPECT_EQ(harness.join("bob").state(), State::joined);
}

// ---- time

TEST_F(BrokerTest, ValidityChecksWhenItsTimeHasCome) {
  harness.join("bob");
  harness.broker.start_validity_checks(30s, harness.now);
  EXPECT_EQ(harness.deadline(), harness.now + 30s);

  harness.pass(30s);

  EXPECT_EQ(harness.modules.count(Question::check_validity), 1u);
}

TEST_F(BrokerTest, IsDueWhenAQuestionOrAProbeIs) {
  EXPECT_EQ(harness.deadline(), Broker::TimePoint::max());
  Node& bob = harness.join("bob");
  harness.broker.execute(ProbeSession{bob.handle(), bob.token(), 1500ms, [](std::int32_t) {}});
  EXPECT_EQ(harness.deadline(), harness.now + 1500ms);

  harness.say(bob, "3");
  harness.modules.keep(Question::authenticate);
  request_upgrade("eve");

  EXPECT_NE(harness.deadline(), Broker::TimePoint::max());
  EXPECT_GT(harness.deadline(), harness.now + 5s);
}

}  // namespace
}  // namespace crolang::broker
