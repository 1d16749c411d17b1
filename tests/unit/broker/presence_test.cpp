#include "broker/presence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/broker/house.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::ElementsAre;
using testing::event;
using testing::Holder;
using testing::House;
using ::testing::IsEmpty;
using testing::kHere;
using testing::literal_of;
using testing::Question;
using testing::Session;

const Holder kElsewhere{"elsewhere", 4711};
const auto kError = ElementsAre(R"(431["ERROR"])");

/// The whole acknowledgement, which is one string.
std::string results(std::string_view list) {
  return "431[" + literal_of(R"({"results":[)" + std::string(list) + "]}") + "]";
}

class PresenceTest : public ::testing::Test {
 protected:
  explicit PresenceTest(Policy policy = {}) : house(policy) {}

  std::vector<std::string> ask(std::string_view payload, std::string_view ack = "1") {
    return say(event(kAreNodesConnected, payload, ack));
  }
  std::vector<std::string> say(std::string_view text) {
    house.say(ann, text);
    house.turn();
    return house.sent(ann);
  }
  std::size_t lookups() { return house.modules.count(Question::lookup); }
  std::uint64_t refused() const {
    return house.counters.value(telemetry::Counter::presence_refused);
  }

  House house;
  Session& ann = house.join("ann");
  Session& bob = house.join("bob");
};

TEST_F(PresenceTest, SaysWhoIsHere) {
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), ElementsAre(results(R"({"id":"bob","connected":true})")));
  EXPECT_EQ(lookups(), 0u);
}

TEST_F(PresenceTest, SaysWhoIsNowhere) {
  EXPECT_THAT(ask(R"({"ids":["eve"]})"), ElementsAre(results(R"({"id":"eve","connected":false})")));
}

TEST_F(PresenceTest, SaysWhoIsElsewhere) {
  house.modules.on(Question::lookup, [](const Asked& asked) { asked.located({kElsewhere}); });

  EXPECT_THAT(ask(R"({"ids":["eve"]})"), ElementsAre(results(R"({"id":"eve","connected":true})")));
}

TEST_F(PresenceTest, AnswersInTheOrderAskedWithRepetitions) {
  EXPECT_THAT(
      ask(R"({"ids":["eve","bob","eve","ann"]})"),
      ElementsAre(results(R"({"id":"eve","connected":false},{"id":"bob","connected":true},)"
                          R"({"id":"eve","connected":false},{"id":"ann","connected":true})")));
}

TEST_F(PresenceTest, LooksUpTogetherOnlyThoseWhoAreNotHere) {
  house.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({kElsewhere, Holder{}});
  });

  EXPECT_THAT(ask(R"({"ids":["x","bob","y"]})"),
              ElementsAre(results(R"({"id":"x","connected":true},{"id":"bob","connected":true},)"
                                  R"({"id":"y","connected":false})")));
  ASSERT_EQ(lookups(), 1u);
  EXPECT_THAT(house.modules.last(Question::lookup).ids, ElementsAre("x", "y"));
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
    house.modules.on(Question::authorize, [](const Asked& asked) { asked.no(); });
  }
  static Policy policy() {
    Policy policy;
    policy.p2p_enabled = false;
    policy.relay_enabled = false;
    return policy;
  }
};

TEST_F(SwitchedOffTest, StillSaysWhoIsHere) {
  EXPECT_THAT(ask(R"({"ids":["bob"]})"), ElementsAre(results(R"({"id":"bob","connected":true})")));
  EXPECT_EQ(house.modules.count(Question::authorize), 0u);
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

TEST_F(PresenceTest, AnswersErrorIfNobodyCanBeLookedUp) {
  house.modules.on(Question::lookup, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  EXPECT_THAT(ask(R"({"ids":["bob","eve"]})"), kError);
}

TEST_F(PresenceTest, DoesNotCountWhoIsSaidToBeHereButHasNotJoined) {
  house.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({{std::string(kHere), 4711}});
  });

  EXPECT_THAT(ask(R"({"ids":["eve"]})"), ElementsAre(results(R"({"id":"eve","connected":false})")));
}

TEST_F(PresenceTest, WaitsForALateLookUp) {
  house.modules.keep(Question::lookup);
  EXPECT_THAT(ask(R"({"ids":["eve","bob"]})"), IsEmpty());

  house.modules.last(Question::lookup).located({kElsewhere});
  house.turn();

  EXPECT_THAT(house.sent(ann), ElementsAre(results(R"({"id":"eve","connected":true},)"
                                                   R"({"id":"bob","connected":true})")));
}

TEST_F(PresenceTest, AnswersEachLateLookUpUnderItsOwnAckId) {
  house.modules.keep(Question::lookup);
  ask(R"({"ids":["x"]})", "1");
  ask(R"({"ids":["y"]})", "2");
  const auto asked = house.modules.asked(Question::lookup);

  asked[1].located({kElsewhere});
  asked[0].located({Holder{}});
  house.turn();

  EXPECT_THAT(
      house.sent(ann),
      ElementsAre("432[" + literal_of(R"({"results":[{"id":"y","connected":true}]})") + "]",
                  "431[" + literal_of(R"({"results":[{"id":"x","connected":false}]})") + "]"));
}

TEST_F(PresenceTest, AnswersErrorIfTheLookUpNeverEnds) {
  house.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");

  house.pass(11s);

  EXPECT_THAT(house.sent(ann), kError);
}

TEST_F(PresenceTest, AnswersErrorIfTheLookUpFailsLater) {
  house.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");

  house.modules.last(Question::lookup).fail(CROLANG_UNAVAILABLE);
  house.turn();

  EXPECT_THAT(house.sent(ann), kError);
}

TEST_F(PresenceTest, ForgetsAnAskerWhoIsGone) {
  house.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");
  house.cut(ann);
  Session& successor = house.join("successor");

  house.modules.last(Question::lookup).located({kElsewhere});
  house.turn();

  EXPECT_THAT(house.sent(successor), IsEmpty());
}

TEST_F(PresenceTest, DoesNotAnswerWhoHasDisconnected) {
  house.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");
  house.say(ann, "41");

  house.modules.last(Question::lookup).located({kElsewhere});
  house.turn();

  EXPECT_THAT(house.sent(ann), IsEmpty());
}

TEST_F(PresenceTest, DoesNotAnswerWhoHasJoinedAnewSince) {
  house.modules.keep(Question::lookup);
  ask(R"({"ids":["eve"]})");
  house.say(ann, "41");
  house.say(ann, "40");
  house.sent(ann);

  house.modules.last(Question::lookup).located({kElsewhere});
  house.turn();

  EXPECT_THAT(house.sent(ann), IsEmpty());
}

TEST_F(PresenceTest, AsksNobodyAboutIdsThatCannotExist) {
  const std::string longest(256, 'x');
  ask(R"({"ids":[")" + longest + R"x(x","a\tb","\u0085",")x" + longest + R"(","\ud800"]})");

  ASSERT_EQ(lookups(), 1u);
  EXPECT_THAT(house.modules.last(Question::lookup).ids, ElementsAre(longest));
  EXPECT_THAT(ask(R"({"ids":["a\tb"]})"),
              ElementsAre(results(R"({"id":"a\tb","connected":false})")));
  EXPECT_EQ(lookups(), 1u);
}

TEST_F(PresenceTest, BoundsHowManyQuestionsOfANodeAreUnderWay) {
  house.modules.keep(Question::lookup);
  for (int i = 0; i < 32; ++i) EXPECT_THAT(ask(R"({"ids":["eve"]})"), IsEmpty());

  EXPECT_TRUE(house.rested.empty());
  EXPECT_THAT(ask(R"({"ids":["eve"]})"), kError);
  EXPECT_EQ(house.rested.size(), 1u) << "less is read from who asks more than is answered";
  EXPECT_THAT(ask("garbage"), kError) << "and is not even read";
  EXPECT_EQ(lookups(), 32u);
  EXPECT_EQ(refused(), 2u);

  house.say(bob, event(kAreNodesConnected, R"({"ids":["eve"]})", "1"));
  EXPECT_EQ(lookups(), 33u) << "others may still ask";
  house.modules.asked(Question::lookup).front().located({Holder{}});
  house.turn();
  house.sent(ann);
  EXPECT_THAT(ask(R"({"ids":["eve"]})"), IsEmpty());
  EXPECT_EQ(lookups(), 34u);
}

TEST_F(PresenceTest, BoundsHowManyQuestionsOfAllNodesAreUnderWay) {
  house.modules.keep(Question::lookup);
  for (std::size_t n = 0; n < kMaxQuestions / kMaxQuestionsOfNode; ++n) {
    Session& asker = house.join("asker" + std::to_string(n));
    house.broker.set_now(house.now);
    for (std::size_t i = 0; i < kMaxQuestionsOfNode; ++i) {
      house.say(asker, event(kAreNodesConnected, R"({"ids":["eve"]})", "1"));
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

TEST_F(PresenceTest, LooksAtABoundedNumberOfIdsInATurn) {
  for (int i = 0; i < 8; ++i) ask(about(1000));
  EXPECT_EQ(lookups(), 5u);

  house.pass(0ms);
  EXPECT_EQ(lookups(), 7u);
  house.pass(0ms);
  EXPECT_EQ(lookups(), 8u);
  EXPECT_EQ(refused(), 0u);
}

TEST_F(PresenceTest, AnswersInTheOrderOfTheQuestionsAlsoThoseItRefuses) {
  constexpr int kQuestions = 200;
  for (int i = 0; i < kQuestions; ++i) {
    house.say(ann, event(kAreNodesConnected, about(1000), std::to_string(i)));
  }
  EXPECT_EQ(refused(), kQuestions - 5 - 32u);
  std::vector<std::string> answers = house.sent(ann);
  for (int i = 0; i < 100; ++i) {
    house.pass(0ms);
    for (std::string& answer : house.sent(ann)) answers.push_back(std::move(answer));
  }
  ASSERT_EQ(answers.size(), std::size_t{kQuestions});
  for (int i = 0; i < kQuestions; ++i) {
    const std::string start = "43" + std::to_string(i) + "[\"";
    EXPECT_TRUE(answers[static_cast<std::size_t>(i)].starts_with(start)) << i;
    EXPECT_EQ(answers[static_cast<std::size_t>(i)] == start + "ERROR\"]", i >= 37) << i;
  }
}

TEST_F(PresenceTest, IsDueAtOnceAsLongAsSomethingWaitsForItsTurn) {
  EXPECT_GT(house.deadline(), house.now);
  for (int i = 0; i < 8; ++i) ask(about(1000));
  EXPECT_EQ(house.deadline(), house.now);

  house.pass(0ms);
  house.pass(0ms);
  EXPECT_GT(house.deadline(), house.now);
}

TEST_F(PresenceTest, LetsNodesTakeTurns) {
  for (int i = 0; i < 30; ++i) house.say(ann, event(kAreNodesConnected, about(1000), "1"));
  house.say(bob, event(kAreNodesConnected, R"({"ids":["ann"]})", "1"));
  EXPECT_THAT(house.sent(bob), IsEmpty());

  house.pass(0ms);

  EXPECT_THAT(house.sent(bob), ElementsAre(results(R"({"id":"ann","connected":true})")));
  EXPECT_LT(house.sent(ann).size(), 10u);
}

TEST_F(PresenceTest, BoundsHowManyIdsAreAtTheRegistry) {
  house.modules.keep(Question::lookup);
  for (int n = 0; n < 20; ++n) {
    Session& asker = house.join("asker" + std::to_string(n));
    house.broker.set_now(house.now);
    house.say(asker, event(kAreNodesConnected, about(1000), "1"));
  }
  house.pass(0ms);
  EXPECT_EQ(lookups(), 17u);
  EXPECT_GT(house.deadline(), house.now) << "only an answer changes that";

  for (const Asked& asked : house.modules.asked(Question::lookup)) {
    asked.located(std::vector<Holder>(1000));
  }
  house.turn();
  for (int i = 0; i < 3; ++i) house.pass(0ms);
  EXPECT_EQ(lookups(), 20u);
}

TEST_F(PresenceTest, DropsWhatWaitsForItsTurnWithItsNode) {
  for (int i = 0; i < 10; ++i) ask(about(1000));
  house.cut(ann);
  Session& successor = house.join("successor");

  for (int i = 0; i < 10; ++i) house.pass(0ms);

  EXPECT_EQ(lookups(), 5u);
  EXPECT_THAT(house.sent(successor), IsEmpty());
}

TEST_F(PresenceTest, DropsWhatWaitsForItsTurnOfWhoHasJoinedAnewSince) {
  for (int i = 0; i < 10; ++i) ask(about(1000));
  house.say(ann, "41");
  house.say(ann, "40");
  house.sent(ann);

  for (int i = 0; i < 10; ++i) house.pass(0ms);

  EXPECT_EQ(lookups(), 5u);
  EXPECT_THAT(house.sent(ann), IsEmpty());
}

class PresenceRateTest : public PresenceTest {
 protected:
  PresenceRateTest() : PresenceTest(policy()) { house.modules.keep(Question::lookup); }
  static Policy policy() {
    Policy policy;
    policy.max_presence_ids_per_second = 100;
    return policy;
  }
  void answer_all() {
    const auto asked = house.modules.asked(Question::lookup);
    for (std::size_t i = answered; i < asked.size(); ++i) {
      asked[i].located(std::vector<Holder>(asked[i].ids.size()));
    }
    answered = asked.size();
    house.turn();
  }
  std::size_t answered = 0;
};

TEST_F(PresenceRateTest, LooksUpAtOnceWhatANodeMayAskInASecond) {
  for (int i = 0; i < 5; ++i) ask(about(20));
  EXPECT_EQ(lookups(), 5u);
}

TEST_F(PresenceRateTest, LetsWhatComesFasterWait) {
  for (int i = 0; i < 8; ++i) ask(about(30));
  // The burst is used up by the fourth, which overdraws it by 20 ids: 200 ms.
  EXPECT_EQ(lookups(), 4u);
  EXPECT_EQ(house.deadline(), house.now + 200ms);
  house.pass(199ms);
  EXPECT_EQ(lookups(), 4u);

  house.pass(1ms);
  EXPECT_EQ(lookups(), 5u);
  house.pass(300ms);
  EXPECT_EQ(lookups(), 6u);
  EXPECT_EQ(refused(), 0u);
}

TEST_F(PresenceRateTest, AnswersErrorToWhatFindsNoRoomToWait) {
  for (int i = 0; i < 32; ++i) ask(about(30));
  answer_all();
  house.sent(ann);
  // Four are answered, 28 wait.
  for (int i = 0; i < 4; ++i) EXPECT_THAT(ask(about(30)), IsEmpty());
  EXPECT_THAT(ask(about(30)), kError);
  EXPECT_EQ(refused(), 1u);
}

TEST_F(PresenceRateTest, CountsEachNodeByItself) {
  for (int i = 0; i < 10; ++i) ask(about(30));
  house.say(bob, event(kAreNodesConnected, about(30), "1"));
  EXPECT_EQ(house.modules.last(Question::lookup).ids.size(), 30u);
  EXPECT_EQ(lookups(), 5u);
}

TEST_F(PresenceRateTest, DoesNotCountWhoIsHere) {
  for (int i = 0; i < 300; ++i) {
    EXPECT_THAT(ask(R"({"ids":["bob"]})"),
                ElementsAre(results(R"({"id":"bob","connected":true})")));
  }
}

TEST_F(PresenceRateTest, DoesNotCountWhatIsAnsweredAtOnce) {
  house.modules.on(Question::lookup, [](const Asked& asked) {
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
  house.modules.keep(Question::lookup);
  for (int i = 0; i < 16; ++i) {
    house.broker.set_now(house.now);
    ask(about(1000));
  }
  EXPECT_EQ(lookups(), 16u);
}

class PresenceOfSlowReaderTest : public PresenceTest {
 protected:
  PresenceOfSlowReaderTest() : PresenceTest(policy()) { house.modules.keep(Question::lookup); }
  static Policy policy() {
    Policy policy;
    policy.max_outbox_bytes = 100;
    return policy;
  }
  void answer_all() {
    for (const Asked& asked : house.modules.asked(Question::lookup)) asked.located({Holder{}});
    house.turn();
  }
};

// 22 bytes with its quotes as they were sent.
constexpr std::string_view kQuestion = R"({"ids":["e"]})";

TEST_F(PresenceOfSlowReaderTest, BoundsWhatWaitsForOneNode) {
  std::size_t taken = 0;
  while (ask(kQuestion).empty()) ++taken;

  EXPECT_GE(taken, 2u);
  EXPECT_LE(taken * kQuestion.size(), 100u);
  EXPECT_EQ(lookups(), taken);
  house.say(bob, event(kAreNodesConnected, kQuestion, "1"));
  EXPECT_THAT(house.sent(bob), IsEmpty()) << "others may still ask";
}

TEST_F(PresenceOfSlowReaderTest, HasRoomAgainOnceQuestionsAreAnswered) {
  while (ask(kQuestion).empty()) {
  }
  answer_all();
  house.sent(ann);

  EXPECT_THAT(ask(kQuestion), IsEmpty());
}

TEST_F(PresenceOfSlowReaderTest, AnswersErrorToWhoDoesNotReadItsLateAnswers) {
  std::size_t taken = 0;
  while (ask(kQuestion).empty()) ++taken;
  answer_all();

  const auto answers = house.sent(ann);
  ASSERT_EQ(answers.size(), taken);
  EXPECT_EQ(answers.front(), results(R"({"id":"e","connected":false})"));
  EXPECT_EQ(answers.back(), R"(431["ERROR"])");
}

}  // namespace
}  // namespace crolang::broker
