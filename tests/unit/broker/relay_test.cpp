#include "broker/relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/broker/house.hpp"
#include "unit/websocket/client_frames.hpp"

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
using testing::Observed;
using testing::Question;
using testing::Session;

constexpr std::string_view kMessage = "SOCKET_MSG_EXCHANGE";
constexpr std::string_view kAttempt = "CONNECTION_ATTEMPT";
constexpr std::string_view kToBob = R"({"to":"bob"})";
constexpr std::string_view kToRemote = R"({"to":"remote"})";
constexpr auto kDeadline = 11s;
const Holder kElsewhere{"elsewhere", 4711};

class RelayTest : public ::testing::Test {
 protected:
  explicit RelayTest(Policy policy = {}) : house(policy) {}

  /// What ann is answered to this event.
  std::vector<std::string> answer(std::string_view text) {
    house.say(ann, text);
    house.turn();
    return house.sent(ann);
  }
  std::vector<std::string> answer(std::string_view name, std::string_view payload) {
    return answer(event(name, payload, "1"));
  }
  void hold_authorizations() { house.modules.keep(Question::authorize); }
  std::vector<Asked> authorizations() { return house.modules.asked(Question::authorize); }
  std::size_t count(Question question) { return house.modules.count(question); }
  void place_remote() {
    house.modules.on(Question::lookup, [](const Asked& asked) { asked.located({kElsewhere}); });
  }
  void decide_all(Question question, bool yes) {
    house.modules.on(question, [yes](const Asked& asked) { yes ? asked.yes() : asked.no(); });
  }

  House house;
  Session& ann = house.join("ann");
  Session& bob = house.join("bob");
};

const auto kOk = ElementsAre(R"(431["OK"])");
const auto kError = ElementsAre(R"(431["ERROR"])");
const auto kUnauthorized = ElementsAre(R"(431["UNAUTHORIZED"])");
const auto kNotConnected = ElementsAre(R"(431["NOT_CONNECTED"])");
const auto kDisabled = ElementsAre(R"(431["DISABLED"])");

// ---- what is delivered

TEST_F(RelayTest, DeliversThePayloadByteForByte) {
  const std::string literal =
      "\" { \\\"content\\\" : \\\"\\u00e4\xC3\xA4\\/\\\" , \\\"to\\\":\\\"bob\\\" } \"";

  EXPECT_THAT(answer("421[\"SOCKET_MSG_EXCHANGE\"," + literal + "]"), kOk);

  EXPECT_THAT(house.sent(bob), ElementsAre("42[\"SOCKET_MSG_EXCHANGE\"," + literal + "]"));
}

TEST_F(RelayTest, DeliversAMessageOfEverySizeOfFrame) {
  for (const std::size_t size : {0u, 60u, 126u, 40'000u, 70'000u}) {
    const std::string payload = R"({"to":"bob","content":")" + std::string(size, 'x') + "\"}";

    EXPECT_THAT(answer(kMessage, payload), kOk);
    EXPECT_THAT(house.sent(bob), ElementsAre(event(kMessage, payload)));
  }
}

TEST_F(RelayTest, EchoesTheAckIdAsJavaScriptPrintsIt) {
  EXPECT_THAT(answer(event(kMessage, kToBob, "007")), ElementsAre(R"(437["OK"])"));
  EXPECT_THAT(answer(event(kMessage, kToBob, "9007199254740993")),
              ElementsAre(R"(439007199254740992["OK"])"));
}

TEST_F(RelayTest, DeliversAMessageWithoutAckIdUnanswered) {
  EXPECT_THAT(answer(event(kMessage, kToBob)), IsEmpty());
  EXPECT_THAT(house.sent(bob), ElementsAre(event(kMessage, kToBob)));
}

TEST_F(RelayTest, LeavesAFaultWithoutAckIdUnanswered) {
  EXPECT_THAT(answer(event(kMessage, "{}")), IsEmpty());
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(RelayTest, DeliversOnlyThePayloadOfAnEventWithMoreArguments) {
  EXPECT_THAT(answer(R"(421["SOCKET_MSG_EXCHANGE","{\"to\":\"bob\"}",{"more":1}])"), kOk);
  EXPECT_THAT(house.sent(bob), ElementsAre(event(kMessage, kToBob)));
}

TEST_F(RelayTest, DeliversToOneself) {
  EXPECT_THAT(answer(kMessage, R"({"to":"ann"})"),
              ElementsAre(event(kMessage, R"({"to":"ann"})"), R"(431["OK"])"));
}

TEST_F(RelayTest, TrimsTheReceiverAsJavaScriptDoes) {
  const std::string payload =
      "{\"to\":\" \\n\xC2\xA0\xE3\x80\x80"
      "bob\xEF\xBB\xBF\\t\"}";

  EXPECT_THAT(answer(kMessage, payload), kOk);
  EXPECT_THAT(house.sent(bob), ElementsAre(event(kMessage, payload)));
}

TEST_F(RelayTest, LetsTheLastOfSeveralReceiversCount) {
  EXPECT_THAT(answer(kMessage, R"({"to":"nobody","to":"bob"})"), kOk);
}

TEST_F(RelayTest, TellsIdsApartByCase) {
  EXPECT_THAT(answer(kMessage, R"({"to":"Bob"})"), kNotConnected);
}

/// Each of the seven types.
class TypeTest : public RelayTest, public ::testing::WithParamInterface<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(, TypeTest, ::testing::ValuesIn(kRelayedNames),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(TypeTest, IsRelayed) {
  EXPECT_THAT(answer(GetParam(), kToBob), kOk);
  EXPECT_THAT(house.sent(bob), ElementsAre(event(GetParam(), kToBob)));
}

TEST_P(TypeTest, IsAuthorizedForEveryMessage) {
  answer(GetParam(), kToBob);
  answer(GetParam(), kToBob);

  ASSERT_EQ(authorizations().size(), 2u);
  EXPECT_EQ(authorizations()[1].id, "ann");
  EXPECT_EQ(authorizations()[1].to, "bob");
}

// ---- the order of checks

template <bool p2p, bool relay>
class SwitchTest : public RelayTest, public ::testing::WithParamInterface<std::string_view> {
 protected:
  SwitchTest() : RelayTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.p2p_enabled = p2p;
    policy.relay_enabled = relay;
    return policy;
  }
};
using WithoutP2pTest = SwitchTest<false, true>;
using WithoutRelayTest = SwitchTest<true, false>;
INSTANTIATE_TEST_SUITE_P(, WithoutP2pTest, ::testing::ValuesIn(kRelayedNames),
                         [](const auto& type) { return std::string(type.param); });
INSTANTIATE_TEST_SUITE_P(, WithoutRelayTest, ::testing::ValuesIn(kRelayedNames),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(WithoutP2pTest, OnlyMessagesAreRelayed) {
  if (GetParam() == kMessage) {
    EXPECT_THAT(answer(GetParam(), kToBob), kOk);
    return;
  }
  EXPECT_THAT(answer(GetParam(), kToBob), kDisabled);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_P(WithoutRelayTest, OnlyMessagesAreNotRelayed) {
  if (GetParam() != kMessage) {
    EXPECT_THAT(answer(GetParam(), kToBob), kOk);
    return;
  }
  EXPECT_THAT(answer(GetParam(), kToBob), kDisabled);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

class DisabledTest : public RelayTest {
 protected:
  DisabledTest() : RelayTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.relay_enabled = false;
    return policy;
  }
};

TEST_F(DisabledTest, ComesBeforeAnyLookAtThePayload) {
  for (const std::string_view arguments :
       {"", ",null", R"(,"not JSON")", R"(,"{\"from\":\"eve\",\"to\":\"bob\"}")", ",[],1"}) {
    EXPECT_THAT(answer("421[\"SOCKET_MSG_EXCHANGE\"" + std::string(arguments) + "]"), kDisabled)
        << arguments;
  }
  EXPECT_THAT(authorizations(), IsEmpty());
}

TEST_F(DisabledTest, IsNotToldWithoutAckId) {
  EXPECT_THAT(answer(event(kMessage, kToBob)), IsEmpty());
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(RelayTest, AnswersErrorToAPayloadThatIsNoMessage) {
  for (const std::string_view payload : {"",
                                         " ",
                                         "not JSON",
                                         R"({"to":"bob")",
                                         R"({"to":"bob"}x)",
                                         "null",
                                         "5",
                                         "true",
                                         R"("bob")",
                                         R"(["bob"])",
                                         "[]",
                                         "{}",
                                         R"({"to":""})",
                                         R"({"to":"  "})",
                                         R"({"to":5})",
                                         R"({"to":null})",
                                         R"({"to":["bob"]})",
                                         R"({"to":{}})",
                                         R"({"TO":"bob"})",
                                         R"({"to":"bob","to":null})",
                                         R"({"to":"bob","x":01})",
                                         R"({"to":"bob",})"}) {
    EXPECT_THAT(answer(kMessage, payload), kError) << payload;
  }
  EXPECT_THAT(authorizations(), IsEmpty());
  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(RelayTest, AnswersErrorToAPayloadThatIsNoString) {
  for (const std::string_view arguments :
       {"", R"(,{"to":"bob"})", ",null", ",5", ",true", ",[]", R"(,["{\"to\":\"bob\"}"])"}) {
    EXPECT_THAT(answer("421[\"SOCKET_MSG_EXCHANGE\"" + std::string(arguments) + "]"), kError)
        << arguments;
  }
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, AnswersErrorToABinaryPayload) {
  EXPECT_THAT(answer(R"(451-1["SOCKET_MSG_EXCHANGE",{"_placeholder":true,"num":0}])"), IsEmpty());
  std::string attachment = websocket::testing::last(websocket::Opcode::binary, R"({"to":"bob"})");
  ann.receive(house.broker.bench(), attachment, house.now);

  EXPECT_THAT(house.sent(ann), kError);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, LooksAtThePayloadBeforeTheSender) {
  EXPECT_THAT(answer(kMessage, R"({"from":"eve"})"), kError);
}

TEST_F(RelayTest, ForbidsToSpeakAsSomebodyElse) {
  for (const std::string_view from : {R"("bob")", R"("Ann")", R"(" ann")", R"("ann ")", R"("")",
                                      "null", "5", "{}", R"(["ann"])"}) {
    EXPECT_THAT(answer(kMessage, R"({"to":"bob","from":)" + std::string(from) + "}"), kUnauthorized)
        << from;
  }
  EXPECT_THAT(authorizations(), IsEmpty());
  EXPECT_THAT(house.modules.observed, IsEmpty());
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, LetsTheLastOfSeveralSendersCount) {
  EXPECT_THAT(answer(kMessage, R"({"from":"ann","to":"bob","from":"eve"})"), kUnauthorized);
  EXPECT_THAT(answer(kMessage, R"({"from":"eve","to":"bob","from":"ann"})"), kOk);
}

TEST_F(RelayTest, RecognisesTheSenderBehindEscapes) {
  EXPECT_THAT(answer(kMessage, R"({"fr\u006fm":"\u0061nn","to":"bob"})"), kOk);
  EXPECT_THAT(answer(kMessage, R"({"fr\u006fm":"eve","to":"bob"})"), kUnauthorized);
}

TEST_F(RelayTest, AnswersUnauthorizedToAPairThatMayNotTalk) {
  decide_all(Question::authorize, false);

  EXPECT_THAT(answer(kMessage, kToBob), kUnauthorized);
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, DoesNotTellAnUnauthorizedSenderWhoIsConnected) {
  decide_all(Question::authorize, false);

  EXPECT_THAT(answer(kMessage, R"({"to":"nobody"})"), kUnauthorized);
  EXPECT_EQ(count(Question::lookup), 0u);
}

TEST_F(RelayTest, AnswersErrorIfNobodyCanAuthorize) {
  for (const crolang_status status : {CROLANG_UNAVAILABLE, CROLANG_TIMEOUT, CROLANG_INTERNAL}) {
    house.modules.on(Question::authorize, [&](const Asked& asked) { asked.fail(status); });
    EXPECT_THAT(answer(kMessage, kToBob), kError);
  }
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, AnswersNotConnectedIfNobodyHasTheId) {
  EXPECT_THAT(answer(kMessage, R"({"to":"nobody"})"), kNotConnected);
}

TEST_F(RelayTest, DoesNotReachANodeThatHasNotConnectedYet) {
  Session& eve = house.knock(testing::query_of("eve"));
  house.broker.admit(eve);
  house.sent(eve);

  EXPECT_THAT(answer(kMessage, R"({"to":"eve"})"), kNotConnected);
  EXPECT_THAT(house.sent(eve), IsEmpty());
}

// ---- the scope

class InitiationTest : public RelayTest, public ::testing::WithParamInterface<std::string_view> {
 protected:
  InitiationTest() : RelayTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.authorization_scope = Policy::Scope::initiation;
    return policy;
  }
};
INSTANTIATE_TEST_SUITE_P(, InitiationTest, ::testing::ValuesIn(kRelayedNames),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(InitiationTest, AsksForAttemptsAndMessagesOnly) {
  decide_all(Question::authorize, false);
  const bool asked = GetParam() == kAttempt || GetParam() == kMessage;

  if (asked) {
    EXPECT_THAT(answer(GetParam(), kToBob), kUnauthorized);
  } else {
    EXPECT_THAT(answer(GetParam(), kToBob), kOk);
  }
  EXPECT_EQ(authorizations().size(), asked ? 1u : 0u);
}

TEST_P(InitiationTest, NeverOvertakesAMessageThatIsAskedFor) {
  hold_authorizations();
  EXPECT_THAT(answer(event(kAttempt, kToBob, "1")), IsEmpty());
  EXPECT_THAT(answer(event(GetParam(), kToBob, "2")), IsEmpty());
  decide_all(Question::authorize, true);
  for (const Asked& asked : authorizations()) asked.yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), ElementsAre(R"(431["OK"])", R"(432["OK"])"));
  EXPECT_THAT(house.sent(bob), ElementsAre(event(kAttempt, kToBob), event(GetParam(), kToBob)));
}

// ---- answers that come later

TEST_F(RelayTest, WaitsForALateAuthorization) {
  hold_authorizations();
  EXPECT_THAT(answer(kMessage, kToBob), IsEmpty());
  EXPECT_THAT(house.sent(bob), IsEmpty());

  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), kOk);
  EXPECT_THAT(house.sent(bob), ElementsAre(event(kMessage, kToBob)));
}

TEST_F(RelayTest, TellsTheWorkerThatALateAnswerWasApplied) {
  hold_authorizations();
  answer(kMessage, kToBob);
  house.touched_handles.clear();

  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.touched_handles, ElementsAre(ann.handle()));
}

TEST_F(RelayTest, AnswersErrorIfAnAuthorizationNeverComes) {
  hold_authorizations();
  answer(kMessage, kToBob);

  house.pass(kDeadline);

  EXPECT_THAT(house.sent(ann), kError);
  authorizations()[0].yes();
  house.turn();
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, AppliesAuthorizationsInTheOrderOfArrival) {
  hold_authorizations();
  for (const char* ack : {"1", "2", "3"}) {
    house.say(ann, event(kMessage, R"({"to":"bob","n":)" + std::string(ack) + "}", ack));
  }
  const auto asked = authorizations();
  ASSERT_EQ(asked.size(), 3u);

  asked[2].yes();
  house.turn();
  asked[1].no();
  house.turn();
  EXPECT_THAT(house.sent(ann), IsEmpty());
  EXPECT_THAT(house.sent(bob), IsEmpty());
  asked[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(ann),
              ElementsAre(R"(431["OK"])", R"(432["UNAUTHORIZED"])", R"(433["OK"])"));
  EXPECT_THAT(house.sent(bob), ElementsAre(event(kMessage, R"({"to":"bob","n":1})"),
                                           event(kMessage, R"({"to":"bob","n":3})")));
}

TEST_F(RelayTest, AsksSixteenQuestionsOfANodeAtOnce) {
  hold_authorizations();
  for (int i = 0; i < 40; ++i) house.say(ann, event(kMessage, kToBob, "1"));
  EXPECT_EQ(authorizations().size(), kMaxOpenQuestions);

  authorizations()[0].yes();
  house.turn();

  EXPECT_EQ(authorizations().size(), kMaxOpenQuestions + 1);
}

TEST_F(RelayTest, AsksForEveryMessageOnceInTheEnd) {
  hold_authorizations();
  for (int i = 0; i < 40; ++i) {
    house.say(ann, event(kMessage, R"({"to":"bob","n":)" + std::to_string(i) + "}", "1"));
  }
  for (std::size_t i = 0; i < authorizations().size(); ++i) {
    authorizations()[i].yes();
    house.turn();
  }

  EXPECT_EQ(authorizations().size(), 40u);
  EXPECT_EQ(house.sent(ann).size(), 40u);
  const auto delivered = house.sent(bob);
  ASSERT_EQ(delivered.size(), 40u);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(delivered[i], event(kMessage, R"({"to":"bob","n":)" + std::to_string(i) + "}"));
  }
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(RelayTest, DoesNotLetOneNodeWaitForAnother) {
  hold_authorizations();
  answer(kMessage, kToBob);
  house.say(bob, event(kMessage, R"({"to":"ann"})", "1"));

  authorizations()[1].yes();
  house.turn();

  EXPECT_THAT(house.sent(bob), kOk);
  EXPECT_THAT(house.sent(ann), ElementsAre(event(kMessage, R"({"to":"ann"})")));
}

TEST_F(RelayTest, GoesStraightThroughAgainOnceNothingWaits) {
  hold_authorizations();
  answer(kMessage, kToBob);
  authorizations()[0].yes();
  house.turn();
  house.sent(ann);
  decide_all(Question::authorize, true);

  EXPECT_THAT(answer(kMessage, kToBob), kOk);
}

TEST_F(RelayTest, AnswersNotConnectedWhenTheReceiverLeftDuringAuthorization) {
  hold_authorizations();
  answer(kMessage, kToBob);

  house.cut(bob);
  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), kNotConnected);
}

TEST_F(RelayTest, DropsWhatWaitsWhenTheSenderIsGone) {
  hold_authorizations();
  answer(kMessage, kToBob);

  house.cut(ann);
  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(RelayTest, DropsWhatWaitsWhenTheSenderDisconnects) {
  hold_authorizations();
  answer(kMessage, kToBob);

  house.say(ann, "41");
  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_THAT(house.sent(ann), IsEmpty());
}

TEST_F(RelayTest, DoesNotMistakeAnOldAnswerForThatOfASuccessor) {
  hold_authorizations();
  answer(kMessage, kToBob);
  const std::uint32_t slot = ann.handle().slot;
  house.cut(ann);
  Session& eve = house.join("eve");
  ASSERT_EQ(eve.handle().slot, slot);
  house.say(eve, event(kMessage, kToBob, "1"));

  authorizations()[0].yes();
  house.turn();
  EXPECT_THAT(house.sent(bob), IsEmpty());
  authorizations()[1].no();
  house.turn();

  EXPECT_THAT(house.sent(eve), kUnauthorized);
}

TEST_F(RelayTest, DoesNotMistakeAnOldAnswerForThatOfANewLogin) {
  hold_authorizations();
  answer(kMessage, kToBob);
  house.say(ann, "41");
  house.say(ann, "40");
  house.sent(ann);
  answer(kMessage, kToBob);

  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(bob), IsEmpty());
}

// ---- bounds

class SmallOutboxTest : public RelayTest {
 protected:
  SmallOutboxTest() : RelayTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.max_outbox_bytes = 2000;
    return policy;
  }
  static std::string big() { return R"({"to":"bob","x":")" + std::string(900, 'x') + "\"}"; }
};

TEST_F(SmallOutboxTest, AnswersErrorWhenTheReceiverIsTooFarBehind) {
  EXPECT_THAT(answer(kMessage, big()), kOk);
  EXPECT_THAT(answer(kMessage, big()), kOk);
  EXPECT_THAT(answer(kMessage, big()), kError);
  EXPECT_EQ(house.counters.value(telemetry::Counter::outbox_full), 1u);

  EXPECT_EQ(house.sent(bob).size(), 2u);
  EXPECT_THAT(answer(kMessage, big()), kOk);
}

TEST_F(SmallOutboxTest, AnswersErrorWhenTooMuchWaits) {
  hold_authorizations();
  EXPECT_THAT(answer(event(kMessage, big(), "1")), IsEmpty());
  const std::size_t before = authorizations().size();

  EXPECT_THAT(answer(event(kMessage, big(), "2")), ElementsAre(R"(432["ERROR"])"));

  EXPECT_EQ(authorizations().size(), before);
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(SmallOutboxTest, TakesMoreOnceLessWaits) {
  hold_authorizations();
  answer(event(kMessage, big(), "1"));
  authorizations()[0].yes();
  house.turn();
  EXPECT_THAT(house.sent(ann), kOk);
  house.sent(bob);

  EXPECT_THAT(answer(event(kMessage, big(), "2")), IsEmpty());
  authorizations()[1].yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), ElementsAre(R"(432["OK"])"));
}

TEST_F(SmallOutboxTest, AnswersErrorToAMessageThatIsTooBigToWait) {
  hold_authorizations();
  const std::string huge = R"({"to":"bob","x":")" + std::string(3000, 'x') + "\"}";

  EXPECT_THAT(answer(event(kMessage, huge, "1")), kError);
  authorizations()[0].yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), IsEmpty());
  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_THAT(answer(event(kMessage, kToBob, "1")), IsEmpty());
  authorizations()[1].yes();
  house.turn();
  EXPECT_THAT(house.sent(ann), kOk);
}

TEST_F(RelayTest, AnswersErrorWhenTooManyQuestionsAreOpen) {
  House crowded;
  // The bound is the desk's: here it is reached by questions of somebody else.
  crowded.modules.keep(Question::authorize);
  Session& eve = crowded.join("eve");
  for (std::size_t i = crowded.desk.open(); i < 65536; ++i) {
    crowded.clients.authorize({}, "x", "y");
  }

  crowded.say(eve, event(kMessage, kToBob, "1"));

  EXPECT_THAT(crowded.sent(eve), kError);
}

// ---- receivers on other instances

TEST_F(RelayTest, AsksNoRegistryForAReceiverOfThisInstance) {
  answer(kMessage, kToBob);

  EXPECT_EQ(count(Question::lookup), 0u);
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, HandsOverToTheInstanceThatHasTheReceiver) {
  place_remote();
  decide_all(Question::send, true);

  EXPECT_THAT(answer(kMessage, kToRemote), kOk);

  EXPECT_THAT(house.modules.last(Question::lookup).ids, ElementsAre("remote"));
  const Asked& send = house.modules.last(Question::send);
  EXPECT_EQ(send.holder.instance, kElsewhere.instance);
  EXPECT_EQ(send.id, "remote");
  EXPECT_EQ(send.token, kElsewhere.token);
  EXPECT_EQ(send.body, event(kMessage, kToRemote));
  EXPECT_EQ(house.counters.value(telemetry::Counter::relayed_local), 0u);
}

TEST_F(RelayTest, HandsOverWhenTheAnswersComeLater) {
  hold_authorizations();
  house.modules.keep(Question::lookup);
  house.modules.keep(Question::send);
  EXPECT_THAT(answer(kMessage, kToRemote), IsEmpty());

  authorizations()[0].yes();
  house.turn();
  house.modules.last(Question::lookup).located({kElsewhere});
  house.turn();
  EXPECT_EQ(house.modules.last(Question::send).body, event(kMessage, kToRemote));
  EXPECT_THAT(house.sent(ann), IsEmpty());
  house.modules.last(Question::send).yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), kOk);
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(RelayTest, LooksUpOnceMoreWhenTheInstanceRefuses) {
  place_remote();
  int sends = 0;
  house.modules.on(Question::send,
                   [&](const Asked& asked) { ++sends == 1 ? asked.no() : asked.yes(); });

  EXPECT_THAT(answer(kMessage, kToRemote), kOk);

  EXPECT_EQ(count(Question::lookup), 2u);
  EXPECT_EQ(sends, 2);
}

TEST_F(RelayTest, AnswersNotConnectedWhenTheInstanceRefusesTwice) {
  place_remote();

  EXPECT_THAT(answer(kMessage, kToRemote), kNotConnected);

  EXPECT_EQ(count(Question::lookup), 2u);
  EXPECT_EQ(count(Question::send), 2u);
}

TEST_F(RelayTest, LooksUpOnceMoreWhenTheRefusalComesLate) {
  place_remote();
  house.modules.keep(Question::send);
  answer(kMessage, kToRemote);

  house.modules.last(Question::send).no();
  house.turn();
  EXPECT_EQ(count(Question::lookup), 2u);
  house.modules.last(Question::send).no();
  house.turn();

  EXPECT_THAT(house.sent(ann), kNotConnected);
  EXPECT_EQ(count(Question::send), 2u);
}

TEST_F(RelayTest, AnswersNotConnectedWhenTheReceiverHasLeftAfterARefusal) {
  int lookups = 0;
  house.modules.on(Question::lookup, [&](const Asked& asked) {
    asked.located({++lookups == 1 ? kElsewhere : Holder{}});
  });

  EXPECT_THAT(answer(kMessage, kToRemote), kNotConnected);
  EXPECT_EQ(count(Question::send), 1u);
}

TEST_F(RelayTest, NeverSendsAgainWhatNobodyConfirmed) {
  place_remote();
  for (const crolang_status status : {CROLANG_TIMEOUT, CROLANG_UNAVAILABLE, CROLANG_INTERNAL}) {
    house.modules.on(Question::send, [&](const Asked& asked) { asked.fail(status); });
    EXPECT_THAT(answer(kMessage, kToRemote), kError);
  }
  EXPECT_EQ(count(Question::send), 3u);
  EXPECT_EQ(count(Question::lookup), 3u);
}

TEST_F(RelayTest, AnswersErrorWhenTheConfirmationNeverComes) {
  place_remote();
  house.modules.keep(Question::send);
  answer(kMessage, kToRemote);

  house.pass(kDeadline);

  EXPECT_THAT(house.sent(ann), kError);
  EXPECT_EQ(count(Question::send), 1u);
}

TEST_F(RelayTest, AnswersErrorWhenTheReceiverCannotBeLookedUp) {
  house.modules.on(Question::lookup, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  EXPECT_THAT(answer(kMessage, kToRemote), kError);
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, FindsAReceiverThatJoinsHereDuringTheLookUp) {
  house.modules.keep(Question::lookup);
  answer(kMessage, kToRemote);

  Session& remote = house.join("remote");
  house.modules.last(Question::lookup).located({{std::string(kHere), remote.token()}});
  house.turn();

  EXPECT_THAT(house.sent(ann), kOk);
  EXPECT_THAT(house.sent(remote), ElementsAre(event(kMessage, kToRemote)));
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, DoesNotHandOverToItself) {
  house.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({{std::string(kHere), 4711}});
  });

  EXPECT_THAT(answer(kMessage, kToRemote), kNotConnected);
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, LetsNoMessageOvertakeOneThatIsOnItsWay) {
  place_remote();
  house.modules.keep(Question::send);
  answer(event(kMessage, kToRemote, "1"));
  answer(event(kMessage, kToBob, "2"));
  answer(event(kMessage, kToRemote, "3"));
  EXPECT_THAT(house.sent(bob), IsEmpty());
  EXPECT_EQ(count(Question::send), 1u);

  house.modules.last(Question::send).yes();
  house.turn();
  EXPECT_THAT(house.sent(ann), ElementsAre(R"(431["OK"])", R"(432["OK"])"));
  EXPECT_EQ(house.sent(bob).size(), 1u);
  EXPECT_EQ(count(Question::send), 2u);
  house.modules.last(Question::send).yes();
  house.turn();

  EXPECT_THAT(house.sent(ann), ElementsAre(R"(433["OK"])"));
}

TEST_F(RelayTest, KeepsTwoSendersLocationsApart) {
  hold_authorizations();
  house.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({{"home of " + asked.ids[0], 1}});
  });
  house.modules.keep(Question::send);
  house.say(ann, event(kMessage, R"({"to":"x"})", "1"));
  house.say(bob, event(kMessage, R"({"to":"y"})", "1"));

  for (const Asked& asked : authorizations()) asked.yes();
  house.turn();

  const auto sends = house.modules.asked(Question::send);
  ASSERT_EQ(sends.size(), 2u);
  for (const Asked& send : sends) EXPECT_EQ(send.holder.instance, "home of " + send.id);
}

// ---- the observer

TEST_F(RelayTest, TellsTheObserverOfAMessageThatWasDelivered) {
  answer(kMessage, kToBob);

  EXPECT_THAT(house.modules.observed, ElementsAre(Observed{"ann", "bob", true}));
}

TEST_F(RelayTest, TellsTheObserverOfAMessageToWhoIsNotConnected) {
  answer(kMessage, R"({"to":"nobody"})");

  EXPECT_THAT(house.modules.observed, ElementsAre(Observed{"ann", "nobody", false}));
}

TEST_F(RelayTest, TellsTheObserverOfAMessageThatWasHandedOver) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);

  EXPECT_THAT(house.modules.observed, ElementsAre(Observed{"ann", "remote", true}));
}

TEST_F(RelayTest, TellsTheObserverNothingOfWhatWasNotAuthorized) {
  decide_all(Question::authorize, false);
  answer(kMessage, kToBob);
  house.modules.on(Question::authorize, [](const Asked& asked) { asked.fail(CROLANG_TIMEOUT); });
  answer(kMessage, kToBob);
  answer(kMessage, "{}");

  EXPECT_THAT(house.modules.observed, IsEmpty());
}

TEST_F(RelayTest, TellsTheObserverNothingOfTheOtherTypes) {
  for (const std::string_view name : kRelayedNames) {
    if (name != kMessage) answer(name, kToBob);
  }

  EXPECT_THAT(house.modules.observed, IsEmpty());
}

// ---- what is no relayed type

TEST_F(RelayTest, IgnoresUnknownEvents) {
  for (const std::string_view name : {"message", "AUTHENTICATED", "__proto__", "error"}) {
    EXPECT_THAT(answer(name, kToBob), IsEmpty());
  }
  EXPECT_EQ(ann.state(), session::State::joined);
}

}  // namespace
}  // namespace crolang::broker
