#include "broker/presence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::ElementsAre;
using testing::event;
using testing::Harness;
using testing::Holder;
using ::testing::IsEmpty;
using testing::kHere;
using testing::literal_of;
using testing::Question;

const Holder kElsewhere{"elsewhere", 4711};
const auto kError = ElementsAre(R"(431["ERROR"])");

/// The whole acknowledgement, which is one string.
std::string results(std::string_view list) {
  return "431[" + literal_of(R"({"results":[)" + std::string(list) + "]}") + "]";
}

class PresenceTest : public ::testing::Test {
 protected:
  explicit PresenceTest(Policy policy = {}) : harness(policy) {}

  std::vector<std::string> ask(std::string_view payload, std::string_view ack = "1") {
    return say(event(kAreNodesConnected, payload, ack));
  }
  std::vector<std::string> say(std::string_view text) {
    harness.say(ann, text);
    harness.run_iteration();
    return harness.sent(ann);
  }
  std::size_t lookups() { return harness.modules.count(Question::lookup); }
  std::uint64_t refused() const {
    return harness.counters.value(telemetry::Counter::presence_refused);
  }

  Harness harness;
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
};

TEST_F(PresenceTest, FindsNodesOfThisInstance) {
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), ElementsAre(results(R"({"id":"bob","connected":true})")));
  EXPECT_EQ(lookups(), 0u);
}

TEST_F(PresenceTest, ReportsUnknownNodesAsNotConnected) {
  EXPECT_THAT(ask(R"({"ids":["eve"]})"), ElementsAre(results(R"({"id":"eve","connected":false})")));
}

TEST_F(PresenceTest, FindsNodesOfOtherInstances) {
  harness.modules.on(Question::lookup, [](const Asked& asked) { asked.located({kElsewhere}); });

  EXPECT_THAT(ask(R"({"ids":["eve"]})"), ElementsAre(results(R"({"id":"eve","connected":true})")));
}

TEST_F(PresenceTest, AnswersInTheOrderAskedWithRepetitions) {
  EXPECT_THAT(
      ask(R"({"ids":["eve","bob","eve","ann"]})"),
      ElementsAre(results(R"({"id":"eve","connected":false},{"id":"bob","connected":true},)"
                          R"({"id":"eve","connected":false},{"id":"ann","connected":true})")));
}

TEST_F(PresenceTest, LooksUpOnlyNodesThatAreNotHereAllAtOnce) {
  harness.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({kElsewhere, Holder{}});
  });

  EXPECT_THAT(ask(R"({"ids":["x","bob","y"]})"),
              ElementsAre(results(R"({"id":"x","connected":true},{"id":"bob","connected":true},)"
                                  R"({"id":"y","connected":false})")));
  ASSERT_EQ(lookups(), 1u);
  EXPECT_THAT(harness.modules.last(Question::lookup).ids, ElementsAre("x", "y"));
}

TEST_F(PresenceTest, TrimsIdsInTheAnswerToo) {
  EXPECT_THAT(ask("{\"ids\":[\" bob\xC2\xA0\"]}"),
              ElementsAre(results(R"({"id":"bob","connected":true})")));
}

TEST_F(PresenceTest, EscapesIdsInTheAnswer) {
  EXPECT_THAT(ask(R"({"ids":["a\"\\\u0001ä"]})"),
              ElementsAre(results(R"({"id":"a\"\\\u0001ä","connected":false})")));
}

TEST_F(PresenceTest, AnswersAnEmptyListByAnEmptyList) {
  EXPECT_THAT(ask(R"({"ids":[]})"), ElementsAre(results("")));
  EXPECT_EQ(lookups(), 0u);
}

TEST_F(PresenceTest, AnswersErrorToAPayloadThatIsNoQuestion) {
  for (const std::string_view payload :
       {"", "x", "null", "[]", "{}", R"({"ids":null})", R"({"ids":"bob"})", R"({"ids":{}})",
        R"({"ids":[5]})", R"({"ids":["bob",null]})", R"({"ids":[""]})", R"({"ids":["bob"," "]})",
        R"({"ids":["bob"]}x)", R"({"ids":["bob"],"ids":5})"}) {
    EXPECT_THAT(ask(payload), kError) << payload;
  }
}

TEST_F(PresenceTest, AnswersErrorToAPayloadThatIsNoString) {
  for (const std::string_view arguments : {"", ",null", R"(,{"ids":[]})", ",[]", ",5"}) {
    EXPECT_THAT(say("421[\"ARE_NODES_CONNECTED_TO_BROKER\"" + std::string(arguments) + "]"), kError)
        << arguments;
  }
}

TEST_F(PresenceTest, IgnoresFurtherArguments) {
  EXPECT_THAT(say(R"(421["ARE_NODES_CONNECTED_TO_BROKER","{\"ids\":[]}",1])"),
              ElementsAre(results("")));
}

TEST_F(PresenceTest, SurvivesQuestionsWithoutAckId) {
  for (const std::string_view packet :
       {R"(42["ARE_NODES_CONNECTED_TO_BROKER"])", R"(42["ARE_NODES_CONNECTED_TO_BROKER",null])",
        R"(42["ARE_NODES_CONNECTED_TO_BROKER","{\"ids\":[\"eve\"]}"])"}) {
    EXPECT_THAT(say(packet), IsEmpty()) << packet;
  }
  EXPECT_EQ(lookups(), 0u);
  EXPECT_EQ(ann.state(), session::State::joined);
}

class SwitchedOffTest : public PresenceTest {
 protected:
  SwitchedOffTest() : PresenceTest(policy()) {
    harness.modules.on(Question::authorize, [](const Asked& asked) { asked.no(); });
  }
  static Policy policy() {
    Policy policy;
    policy.p2p_enabled = false;
    policy.relay_enabled = false;
    return policy;
  }
};

TEST_F(SwitchedOffTest, StillFindsNodesOfThisInstance) {
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), ElementsAre(results(R"({"id":"bob","connected":true})")));
  EXPECT_EQ(harness.modules.count(Question::authorize), 0u);
}

class ThreeIdsTest : public PresenceTest {
 protected:
  ThreeIdsTest() : PresenceTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.max_presence_ids = 3;
    return policy;
  }
};

TEST_F(ThreeIdsTest, AreTheMostThatIsAnswered) {
  EXPECT_EQ(ask(R"({"ids":["bob","bob","bob"]})").front(),
            results(R"({"id":"bob","connected":true},{"id":"bob","connected":true},)"
                    R"({"id":"bob","connected":true})"));
  EXPECT_THAT(ask(R"({"ids":["bob","bob","bob","bob"]})"), kError);
}

TEST_F(PresenceTest, AnswersErrorIfTheRegistryIsUnavailable) {
  harness.modules.on(Question::lookup, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  EXPECT_THAT(ask(R"({"ids":["bob","eve"]})"), kError);
}

TEST_F(PresenceTest, DoesNotCountANodeOfThisInstanceThatHasNotJoined) {
  harness.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({{std::string(kHere), 4711}});
  });

  EXPECT_THAT(ask(R"({"ids":["eve"]})"), ElementsAre(results(R"({"id":"eve","connected":false})")));
}

TEST_F(PresenceTest, WaitsForALateLookUp) {
  harness.modules.keep(Question::lookup);
  EXPECT_THAT(ask(R"({"ids":["eve","bob"]})"), IsEmpty());

  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(results(R"({"id":"eve","connected":true},)"
                                                     R"({"id":"bob","connected":true})")));
}

TEST_F(PresenceTest, AnswersEachLateLookUpUnderItsOwnAckId) {
  harness.modules.keep(Question::lookup);
  ask(R"({"ids":["x"]})", "1");
  ask(R"({"ids":["y"]})", "2");
  const auto asked = harness.modules.asked(Question::lookup);

  asked[1].located({kElsewhere});
  asked[0].located({Holder{}});
  harness.run_iteration();

  EXPECT_THAT(
      harness.sent(ann),
      ElementsAre("432[" + literal_of(R"({"results":[{"id":"y","connected":true}]})") + "]",
                  "431[" + literal_of(R"({"results":[{"id":"x","connected":false}]})") + "]"));
}

TEST_F(PresenceTest, AnswersErrorIfTheLookUpNeverEnds) {
  harness.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");

  harness.pass(11s);

  EXPECT_THAT(harness.sent(ann), kError);
}

TEST_F(PresenceTest, AnswersErrorIfTheLookUpFailsLater) {
  harness.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");

  harness.modules.last(Question::lookup).fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), kError);
}

TEST_F(PresenceTest, ForgetsAnAskerThatHasDisconnected) {
  harness.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");
  harness.cut(ann);
  Node& successor = harness.join("successor");

  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();

  EXPECT_THAT(harness.sent(successor), IsEmpty());
}

TEST_F(PresenceTest, DoesNotAnswerANodeThatHasLeft) {
  harness.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");
  harness.say(ann, "41");

  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), IsEmpty());
}

TEST_F(PresenceTest, DoesNotAnswerANodeThatHasRejoinedSince) {
  harness.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);

  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), IsEmpty());
}

TEST_F(PresenceTest, AsksNoModuleAboutIdsThatCannotExist) {
  const std::string longest(256, 'x');
  ask(R"({"ids":[")" + longest + R"x(x","a\tb","\u0085",")x" + longest + R"(","\ud800"]})");

  ASSERT_EQ(lookups(), 1u);
  EXPECT_THAT(harness.modules.last(Question::lookup).ids, ElementsAre(longest));
  EXPECT_THAT(ask(R"({"ids":["a\tb"]})"),
              ElementsAre(results(R"({"id":"a\tb","connected":false})")));
  EXPECT_EQ(lookups(), 1u);
}

TEST_F(PresenceTest, BoundsHowManyQuestionsOfANodeAreInProgress) {
  harness.modules.keep(Question::lookup);
  for (int i = 0; i < 32; ++i) EXPECT_THAT(ask(R"({"ids":["eve"]})"), IsEmpty());

  EXPECT_TRUE(harness.paused.empty());
  EXPECT_THAT(ask(R"({"ids":["eve"]})"), kError);
  EXPECT_EQ(harness.paused.size(), 1u) << "less is read from who asks more than is answered";
  EXPECT_THAT(ask("garbage"), kError) << "and is not even read";
  EXPECT_EQ(lookups(), 32u);
  EXPECT_EQ(refused(), 2u);

  harness.say(bob, event(kAreNodesConnected, R"({"ids":["eve"]})", "1"));
  EXPECT_EQ(lookups(), 33u) << "others may still ask";
  harness.modules.asked(Question::lookup).front().located({Holder{}});
  harness.run_iteration();
  harness.sent(ann);
  EXPECT_THAT(ask(R"({"ids":["eve"]})"), IsEmpty());
  EXPECT_EQ(lookups(), 34u);
}

TEST_F(PresenceTest, BoundsHowManyQuestionsOfAllNodesAreInProgress) {
  harness.modules.keep(Question::lookup);
  for (std::size_t n = 0; n < kMaxQuestions / kMaxQuestionsOfNode; ++n) {
    Node& asker = harness.join("asker" + std::to_string(n));
    harness.broker.set_now(harness.now);
    for (std::size_t i = 0; i < kMaxQuestionsOfNode; ++i) {
      harness.say(asker, event(kAreNodesConnected, R"({"ids":["eve"]})", "1"));
    }
  }
  EXPECT_EQ(lookups(), kMaxQuestions);

  EXPECT_THAT(ask(R"({"ids":["eve"]})"), kError);
  EXPECT_EQ(lookups(), kMaxQuestions);
}

/// A question about so many ids that are nowhere.
std::string about(std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    list.append(i == 0 ? R"(")" : R"(,")").append(std::to_string(i)).append(R"(")");
  }
  return R"({"ids":[)" + list + "]}";
}

TEST_F(PresenceTest, LooksAtABoundedNumberOfIdsInAnIteration) {
  for (int i = 0; i < 8; ++i) ask(about(1000));
  EXPECT_EQ(lookups(), 5u);

  harness.pass(0ms);
  EXPECT_EQ(lookups(), 7u);
  harness.pass(0ms);
  EXPECT_EQ(lookups(), 8u);
  EXPECT_EQ(refused(), 0u);
}

TEST_F(PresenceTest, AnswersInTheOrderOfTheQuestionsAlsoThoseItRefuses) {
  constexpr int kQuestions = 200;
  for (int i = 0; i < kQuestions; ++i) {
    harness.say(ann, event(kAreNodesConnected, about(1000), std::to_string(i)));
  }
  EXPECT_EQ(refused(), kQuestions - 5 - 32u);
  std::vector<std::string> answers = harness.sent(ann);
  for (int i = 0; i < 100; ++i) {
    harness.pass(0ms);
    for (std::string& answer : harness.sent(ann)) answers.push_back(std::move(answer));
  }
  ASSERT_EQ(answers.size(), std::size_t{kQuestions});
  for (int i = 0; i < kQuestions; ++i) {
    const std::string start = "43" + std::to_string(i) + "[\"";
    EXPECT_TRUE(answers[static_cast<std::size_t>(i)].starts_with(start)) << i;
    EXPECT_EQ(answers[static_cast<std::size_t>(i)] == start + "ERROR\"]", i >= 37) << i;
  }
}

TEST_F(PresenceTest, IsDueAtOnceAsLongAsAQuestionIsDeferred) {
  EXPECT_GT(harness.deadline(), harness.now);
  for (int i = 0; i < 8; ++i) ask(about(1000));
  EXPECT_EQ(harness.deadline(), harness.now);

  harness.pass(0ms);
  harness.pass(0ms);
  EXPECT_GT(harness.deadline(), harness.now);
}

TEST_F(PresenceTest, ServesNodesRoundRobin) {
  for (int i = 0; i < 30; ++i) harness.say(ann, event(kAreNodesConnected, about(1000), "1"));
  harness.say(bob, event(kAreNodesConnected, R"({"ids":["ann"]})", "1"));
  EXPECT_THAT(harness.sent(bob), IsEmpty());

  harness.pass(0ms);

  EXPECT_THAT(harness.sent(bob), ElementsAre(results(R"({"id":"ann","connected":true})")));
  EXPECT_LT(harness.sent(ann).size(), 10u);
}

TEST_F(PresenceTest, BoundsHowManyIdsAreAtTheRegistry) {
  harness.modules.keep(Question::lookup);
  for (int n = 0; n < 20; ++n) {
    Node& asker = harness.join("asker" + std::to_string(n));
    harness.broker.set_now(harness.now);
    harness.say(asker, event(kAreNodesConnected, about(1000), "1"));
  }
  harness.pass(0ms);
  EXPECT_EQ(lookups(), 17u);
  EXPECT_GT(harness.deadline(), harness.now) << "only an answer changes that";

  for (const Asked& asked : harness.modules.asked(Question::lookup)) {
    asked.located(std::vector<Holder>(1000));
  }
  harness.run_iteration();
  for (int i = 0; i < 3; ++i) harness.pass(0ms);
  EXPECT_EQ(lookups(), 20u);
}

TEST_F(PresenceTest, DropsTheDeferredQuestionsOfANodeThatEnds) {
  for (int i = 0; i < 10; ++i) ask(about(1000));
  harness.cut(ann);
  Node& successor = harness.join("successor");

  for (int i = 0; i < 10; ++i) harness.pass(0ms);

  EXPECT_EQ(lookups(), 5u);
  EXPECT_THAT(harness.sent(successor), IsEmpty());
}

TEST_F(PresenceTest, DropsTheDeferredQuestionsOfANodeThatHasRejoined) {
  for (int i = 0; i < 10; ++i) ask(about(1000));
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);

  for (int i = 0; i < 10; ++i) harness.pass(0ms);

  EXPECT_EQ(lookups(), 5u);
  EXPECT_THAT(harness.sent(ann), IsEmpty());
}

class PresenceRateTest : public PresenceTest {
 protected:
  PresenceRateTest() : PresenceTest(policy()) { harness.modules.keep(Question::lookup); }
  static Policy policy() {
    Policy policy;
    policy.max_presence_ids_per_second = 100;
    return policy;
  }
  void answer_all() {
    const auto asked = harness.modules.asked(Question::lookup);
    for (std::size_t i = answered; i < asked.size(); ++i) {
      asked[i].located(std::vector<Holder>(asked[i].ids.size()));
    }
    answered = asked.size();
    harness.run_iteration();
  }
  std::size_t answered = 0;
};

TEST_F(PresenceRateTest, LooksUpABurstOfOneSecondAtOnce) {
  for (int i = 0; i < 5; ++i) ask(about(20));
  EXPECT_EQ(lookups(), 5u);
}

TEST_F(PresenceRateTest, DefersQuestionsAboveTheRate) {
  for (int i = 0; i < 8; ++i) ask(about(30));
  // The burst is used up by the fourth, which overdraws it by 20 ids: 200 ms.
  EXPECT_EQ(lookups(), 4u);
  EXPECT_EQ(harness.deadline(), harness.now + 200ms);
  harness.pass(199ms);
  EXPECT_EQ(lookups(), 4u);

  harness.pass(1ms);
  EXPECT_EQ(lookups(), 5u);
  harness.pass(300ms);
  EXPECT_EQ(lookups(), 6u);
  EXPECT_EQ(refused(), 0u);
}

TEST_F(PresenceRateTest, AnswersErrorToQuestionsThatCannotBeDeferred) {
  for (int i = 0; i < 32; ++i) ask(about(30));
  answer_all();
  harness.sent(ann);
  // Four are answered, 28 wait.
  for (int i = 0; i < 4; ++i) EXPECT_THAT(ask(about(30)), IsEmpty());
  EXPECT_THAT(ask(about(30)), kError);
  EXPECT_EQ(refused(), 1u);
}

TEST_F(PresenceRateTest, LimitsEachNodeSeparately) {
  for (int i = 0; i < 10; ++i) ask(about(30));
  harness.say(bob, event(kAreNodesConnected, about(30), "1"));
  EXPECT_EQ(harness.modules.last(Question::lookup).ids.size(), 30u);
  EXPECT_EQ(lookups(), 5u);
}

TEST_F(PresenceRateTest, DoesNotCountNodesOfThisInstance) {
  for (int i = 0; i < 300; ++i) {
    EXPECT_THAT(ask(R"({"ids":["bob"]})"),
                ElementsAre(results(R"({"id":"bob","connected":true})")));
  }
}

TEST_F(PresenceRateTest, DoesNotCountQuestionsAnsweredAtOnce) {
  harness.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located(std::vector<Holder>(asked.ids.size()));
  });
  for (int i = 0; i < 100; ++i) EXPECT_THAT(ask(about(10)), ::testing::SizeIs(1));
  EXPECT_EQ(lookups(), 100u);
}

class PresenceWithoutRateTest : public PresenceTest {
 protected:
  PresenceWithoutRateTest() : PresenceTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.max_presence_ids_per_second = 0;
    return policy;
  }
};

TEST_F(PresenceWithoutRateTest, IsAskedAsFastAsItComes) {
  harness.modules.keep(Question::lookup);
  for (int i = 0; i < 16; ++i) {
    harness.broker.set_now(harness.now);
    ask(about(1000));
  }
  EXPECT_EQ(lookups(), 16u);
}

class PresenceOfSlowReaderTest : public PresenceTest {
 protected:
  PresenceOfSlowReaderTest() : PresenceTest(policy()) { harness.modules.keep(Question::lookup); }
  static Policy policy() {
    Policy policy;
    policy.max_outbox_bytes = 100;
    return policy;
  }
  void answer_all() {
    for (const Asked& asked : harness.modules.asked(Question::lookup)) asked.located({Holder{}});
    harness.run_iteration();
  }
};

// 22 bytes with its quotes as they were sent.
constexpr std::string_view kQuestion = R"({"ids":["e"]})";

TEST_F(PresenceOfSlowReaderTest, BoundsTheBytesThatWaitForOneNode) {
  std::size_t taken = 0;
  while (ask(kQuestion).empty()) ++taken;

  EXPECT_GE(taken, 2u);
  EXPECT_LE(taken * kQuestion.size(), 100u);
  EXPECT_EQ(lookups(), taken);
  harness.say(bob, event(kAreNodesConnected, kQuestion, "1"));
  EXPECT_THAT(harness.sent(bob), IsEmpty()) << "others may still ask";
}

TEST_F(PresenceOfSlowReaderTest, HasRoomAgainOnceQuestionsAreAnswered) {
  while (ask(kQuestion).empty()) {
  }
  answer_all();
  harness.sent(ann);

  EXPECT_THAT(ask(kQuestion), IsEmpty());
}

TEST_F(PresenceOfSlowReaderTest, AnswersErrorToANodeThatDoesNotReadItsLateAnswers) {
  std::size_t taken = 0;
  while (ask(kQuestion).empty()) ++taken;
  answer_all();

  const auto answers = harness.sent(ann);
  ASSERT_EQ(answers.size(), taken);
  EXPECT_EQ(answers.front(), results(R"({"id":"e","connected":false})"));
  EXPECT_EQ(answers.back(), R"(431["ERROR"])");
}

// ---- AUTHORIZE_PRESENCE

class AuthorizedPresenceTest : public PresenceTest {
 protected:
  AuthorizedPresenceTest() : PresenceTest({.authorize_presence = true}) {
    harness.modules.on(Question::authorize, [](const Asked& asked) {
      EXPECT_EQ(asked.id, "ann");
      asked.to.starts_with("secret") ? asked.no() : asked.yes();
    });
  }
  std::size_t authorizations() { return harness.modules.count(Question::authorize); }
};

TEST_F(AuthorizedPresenceTest, ShowsNodesThatTheAskerMaySendTo) {
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), ElementsAre(results(R"({"id":"bob","connected":true})")));
}

TEST_F(AuthorizedPresenceTest, ReportsOthersAsNotConnected) {
  harness.join("secret");
  EXPECT_THAT(
      ask(R"({"ids":["secret","bob"]})"),
      ElementsAre(results(R"({"id":"secret","connected":false},{"id":"bob","connected":true})")));
}

TEST_F(AuthorizedPresenceTest, DoesNotLookUpOthers) {
  harness.modules.on(Question::lookup, [](const Asked& asked) {
    EXPECT_THAT(asked.ids, ElementsAre("eve"));
    asked.located({kElsewhere});
  });
  EXPECT_THAT(
      ask(R"({"ids":["secret","eve"]})"),
      ElementsAre(results(R"({"id":"secret","connected":false},{"id":"eve","connected":true})")));
}

TEST_F(AuthorizedPresenceTest, AsksAboutNodesThatAreNotConnectedToo) {
  ask(R"({"ids":["eve","secret-nobody"]})");
  EXPECT_EQ(authorizations(), 2u) << "otherwise the time would tell";
}

TEST_F(AuthorizedPresenceTest, AsksNobodyAboutIdsThatCannotExist) {
  EXPECT_THAT(ask("{\"ids\":[\"a\\u0001b\"]}"), ::testing::SizeIs(1));
  EXPECT_EQ(authorizations(), 0u);
}

TEST_F(AuthorizedPresenceTest, AnswersErrorIfTheAuthorizationIsNotAvailable) {
  harness.modules.on(Question::authorize, [](const Asked& asked) { asked.fail(CROLANG_TIMEOUT); });
  EXPECT_THAT(ask(R"({"ids":["bob","eve"]})"), kError);
  EXPECT_EQ(lookups(), 0u);
}

TEST_F(AuthorizedPresenceTest, WaitsForLateAuthorizationsAndThenForTheLookUp) {
  harness.modules.keep(Question::authorize);
  harness.modules.keep(Question::lookup);
  EXPECT_THAT(ask(R"({"ids":["secret","eve","bob"]})"), IsEmpty());
  ASSERT_EQ(authorizations(), 3u);
  EXPECT_EQ(lookups(), 0u);
  const std::vector<Asked> asked = harness.modules.asked(Question::authorize);
  asked[2].yes();
  asked[0].no();
  harness.run_iteration();
  EXPECT_EQ(lookups(), 0u);
  asked[1].yes();
  harness.run_iteration();
  ASSERT_EQ(lookups(), 1u);
  EXPECT_THAT(harness.modules.last(Question::lookup).ids, ElementsAre("eve"));
  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), ElementsAre(results(R"({"id":"secret","connected":false},)"
                                                     R"({"id":"eve","connected":true},)"
                                                     R"({"id":"bob","connected":true})")));
}

TEST_F(AuthorizedPresenceTest, AnswersErrorIfALateAuthorizationFails) {
  harness.modules.keep(Question::authorize);
  ask(R"({"ids":["eve","bob"]})");
  harness.modules.asked(Question::authorize)[1].fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), kError);
  harness.modules.asked(Question::authorize)[0].yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
}

TEST_F(AuthorizedPresenceTest, DoesNotAnswerANodeThatHasRejoinedSince) {
  harness.modules.keep(Question::authorize);
  ask(R"({"ids":["bob"]})");
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);
  harness.modules.last(Question::authorize).yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
}

TEST_F(AuthorizedPresenceTest, CountsQuestionsThatWaitForTheAuthorization) {
  harness.modules.keep(Question::authorize);
  for (std::size_t i = 0; i < kMaxQuestionsOfNode; ++i) ask(R"({"ids":["bob"]})");
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), kError);
  EXPECT_EQ(refused(), 1u);
  for (const Asked& asked : harness.modules.asked(Question::authorize)) asked.yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), ::testing::SizeIs(kMaxQuestionsOfNode));
  harness.modules.on(Question::authorize, [](const Asked& asked) { asked.yes(); });
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), ElementsAre(results(R"({"id":"bob","connected":true})")));
}

class AuthorizedRateTest : public PresenceTest {
 protected:
  AuthorizedRateTest()
      : PresenceTest({.authorize_presence = true, .max_presence_ids_per_second = 2}) {}
};

TEST_F(AuthorizedRateTest, CountsIdsThatWereNotAuthorizedAtOnce) {
  harness.modules.keep(Question::authorize);
  ask(R"({"ids":["a","b","c","d"]})");
  ask(R"({"ids":["bob"]})");
  EXPECT_EQ(harness.modules.count(Question::authorize), 4u);
  harness.pass(1s);
  EXPECT_EQ(harness.modules.count(Question::authorize), 5u);
}

}  // namespace
}  // namespace crolang::broker
