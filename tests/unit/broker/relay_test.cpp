#include "broker/relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "unit/broker/harness.hpp"
#include "unit/websocket/allocations.hpp"
#include "unit/websocket/client_frames.hpp"

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
using testing::Observed;
using testing::Question;
using testing::ScriptedModules;
using ::testing::SizeIs;

constexpr std::string_view kMessage = "SOCKET_MSG_EXCHANGE";
constexpr std::string_view kAttempt = "CONNECTION_ATTEMPT";
constexpr std::string_view kToBob = R"({"to":"bob"})";
constexpr std::string_view kToRemote = R"({"to":"remote"})";
constexpr auto kDeadline = 11s;
const Holder kElsewhere{"elsewhere", 4711};
const Holder kNewHome{"new home", 4712};

class RelayTest : public ::testing::Test {
 protected:
  explicit RelayTest(Policy policy = {}) : harness(policy) {}

  /// What ann is answered to this event.
  std::vector<std::string> answer(std::string_view text) {
    harness.say(ann, text);
    harness.run_iteration();
    return harness.sent(ann);
  }
  std::vector<std::string> answer(std::string_view name, std::string_view payload) {
    return answer(event(name, payload, "1"));
  }
  void hold_authorizations() { harness.modules.keep(Question::authorize); }
  std::vector<Asked> authorizations() { return harness.modules.asked(Question::authorize); }
  std::size_t count(Question question) { return harness.modules.count(question); }
  void place_remote() {
    harness.modules.on(Question::lookup, [](const Asked& asked) { asked.located({kElsewhere}); });
  }
  /// Ann sends "remote" the messages of these numbers, which are also their ack ids.
  void send_remote(int first, int last) {
    for (int n = first; n <= last; ++n) harness.say(ann, numbered("remote", n));
    harness.run_iteration();
  }
  static std::string numbered(std::string_view to, int n) {
    return event(kMessage, payload(to, n), std::to_string(n));
  }
  static std::string payload(std::string_view to, int n) {
    return R"({"to":")" + std::string(to) + R"(","n":)" + std::to_string(n) + "}";
  }
  /// What was sent so far, as `<instance>:<n>`.
  std::vector<std::string> sends() {
    std::vector<std::string> found;
    for (const Asked& asked : harness.modules.asked(Question::send)) {
      const auto n = asked.body.rfind(':') + 1;
      found.push_back(asked.holder.instance + ":" +
                      asked.body.substr(n, asked.body.rfind('}') - n));
    }
    return found;
  }
  /// The send of this place among all sends so far.
  Asked send(std::size_t index) { return harness.modules.asked(Question::send).at(index); }
  void locate_remote_at(Holder holder) {
    harness.modules.on(Question::lookup, [holder](const Asked& asked) { asked.located({holder}); });
  }
  void decide_all(Question question, bool yes) {
    harness.modules.on(question, [yes](const Asked& asked) { yes ? asked.yes() : asked.no(); });
  }

  Harness harness;
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
};

const auto kOk = ElementsAre(R"(431["OK"])");
const auto kError = ElementsAre(R"(431["ERROR"])");
const auto kUnauthorized = ElementsAre(R"(431["UNAUTHORIZED"])");
const auto kNotConnected = ElementsAre(R"(431["NOT_CONNECTED"])");
const auto kDisabled = ElementsAre(R"(431["DISABLED"])");

std::string ack(int n, std::string_view status) {
  return "43" + std::to_string(n) + "[\"" + std::string(status) + "\"]";
}

// ---- what is delivered

TEST_F(RelayTest, DeliversThePayloadByteForByte) {
  const std::string literal =
      "\" { \\\"content\\\" : \\\"\\u00e4\xC3\xA4\\/\\\" , \\\"to\\\":\\\"bob\\\" } \"";

  EXPECT_THAT(answer("421[\"SOCKET_MSG_EXCHANGE\"," + literal + "]"), kOk);

  EXPECT_THAT(harness.sent(bob), ElementsAre("42[\"SOCKET_MSG_EXCHANGE\"," + literal + "]"));
}

TEST_F(RelayTest, DeliversAMessageOfEverySizeOfFrame) {
  for (const std::size_t size : {0u, 60u, 126u, 40'000u, 70'000u}) {
    const std::string payload = R"({"to":"bob","content":")" + std::string(size, 'x') + "\"}";

    EXPECT_THAT(answer(kMessage, payload), kOk);
    EXPECT_THAT(harness.sent(bob), ElementsAre(event(kMessage, payload)));
  }
}

TEST_F(RelayTest, EchoesTheAckIdAsJavaScriptPrintsIt) {
  EXPECT_THAT(answer(event(kMessage, kToBob, "007")), ElementsAre(R"(437["OK"])"));
  EXPECT_THAT(answer(event(kMessage, kToBob, "9007199254740993")),
              ElementsAre(R"(439007199254740992["OK"])"));
}

TEST_F(RelayTest, DeliversAMessageWithoutAckIdUnanswered) {
  EXPECT_THAT(answer(event(kMessage, kToBob)), IsEmpty());
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kMessage, kToBob)));
}

TEST_F(RelayTest, LeavesAFaultWithoutAckIdUnanswered) {
  EXPECT_THAT(answer(event(kMessage, "{}")), IsEmpty());
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(RelayTest, DeliversOnlyThePayloadOfAnEventWithMoreArguments) {
  EXPECT_THAT(answer(R"(421["SOCKET_MSG_EXCHANGE","{\"to\":\"bob\"}",{"more":1}])"), kOk);
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kMessage, kToBob)));
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
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kMessage, payload)));
}

TEST_F(RelayTest, LetsTheLastOfSeveralReceiversCount) {
  EXPECT_THAT(answer(kMessage, R"({"to":"nobody","to":"bob"})"), kOk);
}

TEST_F(RelayTest, ComparesIdsCaseSensitively) {
  EXPECT_THAT(answer(kMessage, R"({"to":"Bob"})"), kNotConnected);
}

/// Each of the seven types.
class TypeTest : public RelayTest, public ::testing::WithParamInterface<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(, TypeTest, ::testing::ValuesIn(kRelayedNames),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(TypeTest, IsRelayed) {
  EXPECT_THAT(answer(GetParam(), kToBob), kOk);
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(GetParam(), kToBob)));
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
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_P(WithoutRelayTest, OnlyMessagesAreNotRelayed) {
  if (GetParam() != kMessage) {
    EXPECT_THAT(answer(GetParam(), kToBob), kOk);
    return;
  }
  EXPECT_THAT(answer(GetParam(), kToBob), kDisabled);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
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

TEST_F(DisabledTest, IsAnsweredBeforeThePayloadIsParsed) {
  for (const std::string_view arguments :
       {"", ",null", R"(,"not JSON")", R"(,"{\"from\":\"eve\",\"to\":\"bob\"}")", ",[],1"}) {
    EXPECT_THAT(answer("421[\"SOCKET_MSG_EXCHANGE\"" + std::string(arguments) + "]"), kDisabled)
        << arguments;
  }
  EXPECT_THAT(authorizations(), IsEmpty());
}

TEST_F(DisabledTest, IsNotSentWithoutAckId) {
  EXPECT_THAT(answer(event(kMessage, kToBob)), IsEmpty());
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(RelayTest, AnswersErrorToAnInvalidPayload) {
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
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(RelayTest, AnswersErrorToAPayloadThatIsNoString) {
  for (const std::string_view arguments :
       {"", R"(,{"to":"bob"})", ",null", ",5", ",true", ",[]", R"(,["{\"to\":\"bob\"}"])"}) {
    EXPECT_THAT(answer("421[\"SOCKET_MSG_EXCHANGE\"" + std::string(arguments) + "]"), kError)
        << arguments;
  }
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, AnswersErrorToABinaryPayload) {
  EXPECT_THAT(answer(R"(451-1["SOCKET_MSG_EXCHANGE",{"_placeholder":true,"num":0}])"), IsEmpty());
  std::string attachment = websocket::testing::last(websocket::Opcode::binary, R"({"to":"bob"})");
  ann.receive(harness.broker.context(), attachment, harness.now);

  EXPECT_THAT(harness.sent(ann), kError);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, ChecksThePayloadBeforeTheSender) {
  EXPECT_THAT(answer(kMessage, R"({"from":"eve"})"), kError);
}

TEST_F(RelayTest, ForbidsAForgedSender) {
  for (const std::string_view from : {R"("bob")", R"("Ann")", R"(" ann")", R"("ann ")", R"("")",
                                      "null", "5", "{}", R"(["ann"])"}) {
    EXPECT_THAT(answer(kMessage, R"({"to":"bob","from":)" + std::string(from) + "}"), kUnauthorized)
        << from;
  }
  EXPECT_THAT(authorizations(), IsEmpty());
  EXPECT_THAT(harness.modules.observed, IsEmpty());
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, LetsTheLastOfSeveralSendersCount) {
  EXPECT_THAT(answer(kMessage, R"({"from":"ann","to":"bob","from":"eve"})"), kUnauthorized);
  EXPECT_THAT(answer(kMessage, R"({"from":"eve","to":"bob","from":"ann"})"), kOk);
}

TEST_F(RelayTest, RecognisesTheSenderBehindEscapes) {
  EXPECT_THAT(answer(kMessage, R"({"fr\u006fm":"\u0061nn","to":"bob"})"), kOk);
  EXPECT_THAT(answer(kMessage, R"({"fr\u006fm":"eve","to":"bob"})"), kUnauthorized);
}

TEST_F(RelayTest, AnswersUnauthorizedToAForbiddenPair) {
  decide_all(Question::authorize, false);

  EXPECT_THAT(answer(kMessage, kToBob), kUnauthorized);
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, DoesNotRevealToAnUnauthorizedSenderWhoIsConnected) {
  decide_all(Question::authorize, false);

  EXPECT_THAT(answer(kMessage, R"({"to":"nobody"})"), kUnauthorized);
  EXPECT_EQ(count(Question::lookup), 0u);
}

TEST_F(RelayTest, AnswersErrorIfTheAuthorizationIsUnavailable) {
  for (const crolang_status status : {CROLANG_UNAVAILABLE, CROLANG_TIMEOUT, CROLANG_INTERNAL}) {
    harness.modules.on(Question::authorize, [&](const Asked& asked) { asked.fail(status); });
    EXPECT_THAT(answer(kMessage, kToBob), kError);
  }
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, AnswersNotConnectedIfNoNodeHasTheId) {
  EXPECT_THAT(answer(kMessage, R"({"to":"nobody"})"), kNotConnected);
}

TEST_F(RelayTest, AsksNoModuleAboutAReceiverThatCannotExist) {
  const std::string longest(256, 'x');
  EXPECT_THAT(answer(kMessage, R"({"to":")" + longest + R"("})"), kNotConnected);
  ASSERT_EQ(count(Question::authorize), 1u);
  ASSERT_EQ(count(Question::lookup), 1u);
  ASSERT_THAT(harness.modules.observed, SizeIs(1));

  for (const std::string& to : {longest + "x", std::string(100'000, 'x'),
                                std::string(R"(a\u0000b)"), std::string(R"(a\tb)"),
                                std::string("a\xC2\x85"
                                            "b"),
                                std::string(R"(\ud800)")}) {
    EXPECT_THAT(answer(kMessage, R"({"to":")" + to + R"("})"), kNotConnected) << to;
    EXPECT_THAT(answer(kAttempt, R"({"to":")" + to + R"("})"), kNotConnected) << to;
  }

  EXPECT_EQ(count(Question::authorize), 1u);
  EXPECT_EQ(count(Question::lookup), 1u);
  EXPECT_THAT(harness.modules.observed, SizeIs(1));
}

TEST_F(RelayTest, DoesNotReachANodeThatHasNotConnectedYet) {
  Node& eve = harness.request_upgrade(testing::query_of("eve"));
  harness.broker.admit(eve);
  harness.sent(eve);

  EXPECT_THAT(answer(kMessage, R"({"to":"eve"})"), kNotConnected);
  EXPECT_THAT(harness.sent(eve), IsEmpty());
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

TEST_P(InitiationTest, NeverOvertakesAMessageThatWaitsForAuthorization) {
  hold_authorizations();
  EXPECT_THAT(answer(event(kAttempt, kToBob, "1")), IsEmpty());
  EXPECT_THAT(answer(event(GetParam(), kToBob, "2")), IsEmpty());
  decide_all(Question::authorize, true);
  for (const Asked& asked : authorizations()) asked.yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(R"(431["OK"])", R"(432["OK"])"));
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kAttempt, kToBob), event(GetParam(), kToBob)));
}

/// One type that needs no authorization: then no module is asked for a message to bob.
class StraightTest : public InitiationTest {
 protected:
  /// What one message to bob takes from the heap.
  std::size_t allocations_of_one() {
    const std::string text = event(GetParam(), kToBob, "1");
    std::string first = websocket::testing::text(text);
    ann.receive(harness.broker.context(), first, harness.now);  // what is reused exists then
    harness.run_iteration();
    harness.sent(ann);
    harness.sent(bob);
    harness.broker.context().dirty.outboxes.clear();
    std::string bytes = websocket::testing::text(text);
    const std::size_t made = websocket::testing::allocations.made;
    ann.receive(harness.broker.context(), bytes, harness.now);
    const std::size_t taken = websocket::testing::allocations.made - made;
    EXPECT_EQ(harness.sent(bob).size(), 1u);
    return taken;
  }
};
INSTANTIATE_TEST_SUITE_P(, StraightTest, ::testing::Values("CONNECTION_ACCEPTANCE"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(StraightTest, DoesNotAllocate) {
  EXPECT_EQ(allocations_of_one(), 0u);
}

TEST_P(StraightTest, DoesNotAllocateBesideARemoteQueueToAnotherReceiver) {
  place_remote();
  harness.modules.keep(Question::send);
  answer(GetParam(), kToRemote);

  EXPECT_EQ(allocations_of_one(), 0u);
}

// ---- answers that come later

TEST_F(RelayTest, WaitsForALateAuthorization) {
  hold_authorizations();
  EXPECT_THAT(answer(kMessage, kToBob), IsEmpty());
  EXPECT_THAT(harness.sent(bob), IsEmpty());

  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), kOk);
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kMessage, kToBob)));
}

TEST_F(RelayTest, TellsTheWorkerThatALateAnswerWasApplied) {
  hold_authorizations();
  answer(kMessage, kToBob);
  harness.touched_handles.clear();

  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.touched_handles, ElementsAre(ann.handle()));
}

TEST_F(RelayTest, AnswersErrorIfAnAuthorizationNeverComes) {
  hold_authorizations();
  answer(kMessage, kToBob);

  harness.pass(kDeadline);

  EXPECT_THAT(harness.sent(ann), kError);
  authorizations()[0].yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, AppliesAuthorizationsInTheOrderOfArrival) {
  hold_authorizations();
  for (const char* ack : {"1", "2", "3"}) {
    harness.say(ann, event(kMessage, R"({"to":"bob","n":)" + std::string(ack) + "}", ack));
  }
  const auto asked = authorizations();
  ASSERT_EQ(asked.size(), 3u);

  asked[2].yes();
  harness.run_iteration();
  asked[1].no();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  asked[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann),
              ElementsAre(R"(431["OK"])", R"(432["UNAUTHORIZED"])", R"(433["OK"])"));
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kMessage, R"({"to":"bob","n":1})"),
                                             event(kMessage, R"({"to":"bob","n":3})")));
}

TEST_F(RelayTest, AsksSixteenQuestionsOfANodeAtOnce) {
  hold_authorizations();
  for (int i = 0; i < 40; ++i) harness.say(ann, event(kMessage, kToBob, "1"));
  EXPECT_EQ(authorizations().size(), kMaxOpenQuestions);

  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_EQ(authorizations().size(), kMaxOpenQuestions + 1);
}

TEST_F(RelayTest, AsksAboutEveryMessageExactlyOnce) {
  hold_authorizations();
  for (int i = 0; i < 40; ++i) {
    harness.say(ann, event(kMessage, R"({"to":"bob","n":)" + std::to_string(i) + "}", "1"));
  }
  for (std::size_t i = 0; i < authorizations().size(); ++i) {
    authorizations()[i].yes();
    harness.run_iteration();
  }

  EXPECT_EQ(authorizations().size(), 40u);
  EXPECT_EQ(harness.sent(ann).size(), 40u);
  const auto delivered = harness.sent(bob);
  ASSERT_EQ(delivered.size(), 40u);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(delivered[i], event(kMessage, R"({"to":"bob","n":)" + std::to_string(i) + "}"));
  }
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(RelayTest, DoesNotMakeOneNodeWaitForAnother) {
  hold_authorizations();
  answer(kMessage, kToBob);
  harness.say(bob, event(kMessage, R"({"to":"ann"})", "1"));

  authorizations()[1].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), kOk);
  EXPECT_THAT(harness.sent(ann), ElementsAre(event(kMessage, R"({"to":"ann"})")));
}

TEST_F(RelayTest, DeliversDirectlyAgainOnceNothingWaits) {
  hold_authorizations();
  answer(kMessage, kToBob);
  authorizations()[0].yes();
  harness.run_iteration();
  harness.sent(ann);
  decide_all(Question::authorize, true);

  EXPECT_THAT(answer(kMessage, kToBob), kOk);
}

TEST_F(RelayTest, AnswersNotConnectedWhenTheReceiverLeftDuringAuthorization) {
  hold_authorizations();
  answer(kMessage, kToBob);

  harness.cut(bob);
  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), kNotConnected);
}

TEST_F(RelayTest, DropsWaitingMessagesWhenTheSenderIsGone) {
  hold_authorizations();
  answer(kMessage, kToBob);

  harness.cut(ann);
  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(RelayTest, DropsWaitingMessagesWhenTheSenderDisconnects) {
  hold_authorizations();
  answer(kMessage, kToBob);

  harness.say(ann, "41");
  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_THAT(harness.sent(ann), IsEmpty());
}

TEST_F(RelayTest, DoesNotApplyAnOldAnswerToASuccessor) {
  hold_authorizations();
  answer(kMessage, kToBob);
  const std::uint32_t slot = ann.handle().slot;
  harness.cut(ann);
  Node& eve = harness.join("eve");
  ASSERT_EQ(eve.handle().slot, slot);
  harness.say(eve, event(kMessage, kToBob, "1"));

  authorizations()[0].yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  authorizations()[1].no();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(eve), kUnauthorized);
}

TEST_F(RelayTest, DoesNotApplyAnOldAnswerToANewLogin) {
  hold_authorizations();
  answer(kMessage, kToBob);
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);
  answer(kMessage, kToBob);

  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

// ---- bounds

class SmallOutboxRelayTest : public RelayTest {
 protected:
  SmallOutboxRelayTest() : RelayTest(policy()) {}
  static Policy policy() {
    Policy policy;
    policy.max_outbox_bytes = 2000;
    return policy;
  }
  static std::string big() { return R"({"to":"bob","x":")" + std::string(900, 'x') + "\"}"; }
};

TEST_F(SmallOutboxRelayTest, AnswersErrorWhenTheReceiverIsTooFarBehind) {
  EXPECT_THAT(answer(kMessage, big()), kOk);
  EXPECT_THAT(answer(kMessage, big()), kOk);
  EXPECT_THAT(answer(kMessage, big()), kError);
  EXPECT_EQ(harness.counters.value(telemetry::Counter::outbox_full), 1u);

  EXPECT_EQ(harness.sent(bob).size(), 2u);
  EXPECT_THAT(answer(kMessage, big()), kOk);
}

TEST_F(SmallOutboxRelayTest, AnswersErrorWhenTheBacklogIsFull) {
  hold_authorizations();
  EXPECT_THAT(answer(event(kMessage, big(), "1")), IsEmpty());
  const std::size_t before = authorizations().size();

  EXPECT_THAT(answer(event(kMessage, big(), "2")), ElementsAre(R"(432["ERROR"])"));

  EXPECT_EQ(authorizations().size(), before);
  EXPECT_EQ(ann.state(), session::State::joined);
}

TEST_F(SmallOutboxRelayTest, AcceptsMoreOnceTheBacklogHasShrunk) {
  hold_authorizations();
  answer(event(kMessage, big(), "1"));
  authorizations()[0].yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), kOk);
  harness.sent(bob);

  EXPECT_THAT(answer(event(kMessage, big(), "2")), IsEmpty());
  authorizations()[1].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(R"(432["OK"])"));
}

TEST_F(SmallOutboxRelayTest, AnswersErrorToAMessageLargerThanTheBacklog) {
  hold_authorizations();
  const std::string huge = R"({"to":"bob","x":")" + std::string(3000, 'x') + "\"}";

  EXPECT_THAT(answer(event(kMessage, huge, "1")), kError);
  authorizations()[0].yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), IsEmpty());
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_THAT(answer(event(kMessage, kToBob, "1")), IsEmpty());
  authorizations()[1].yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), kOk);
}

TEST_F(RelayTest, AnswersErrorWhenTooManyQuestionsAreOpen) {
  Harness crowded;
  // The bound is the table of pending calls's: here it is reached by questions of somebody else.
  crowded.modules.keep(Question::authorize);
  Node& eve = crowded.join("eve");
  for (std::size_t i = crowded.calls.open(); i < 65536; ++i) {
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

  EXPECT_THAT(harness.modules.last(Question::lookup).ids, ElementsAre("remote"));
  const Asked& send = harness.modules.last(Question::send);
  EXPECT_EQ(send.holder.instance, kElsewhere.instance);
  EXPECT_EQ(send.id, "remote");
  EXPECT_EQ(send.token, kElsewhere.token);
  EXPECT_EQ(send.body, event(kMessage, kToRemote));
  EXPECT_EQ(harness.counters.value(telemetry::Counter::relayed_local), 0u);
}

TEST_F(RelayTest, HandsOverWhenTheAnswersComeLater) {
  hold_authorizations();
  harness.modules.keep(Question::lookup);
  harness.modules.keep(Question::send);
  EXPECT_THAT(answer(kMessage, kToRemote), IsEmpty());

  authorizations()[0].yes();
  harness.run_iteration();
  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();
  EXPECT_EQ(harness.modules.last(Question::send).body, event(kMessage, kToRemote));
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  harness.modules.last(Question::send).yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), kOk);
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(RelayTest, LooksUpOnceMoreWhenTheInstanceRefuses) {
  place_remote();
  int sends = 0;
  harness.modules.on(Question::send,
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
  harness.modules.keep(Question::send);
  answer(kMessage, kToRemote);

  harness.modules.last(Question::send).no();
  harness.run_iteration();
  EXPECT_EQ(count(Question::lookup), 2u);
  harness.modules.last(Question::send).no();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), kNotConnected);
  EXPECT_EQ(count(Question::send), 2u);
}

TEST_F(RelayTest, AnswersNotConnectedWhenTheReceiverHasLeftAfterARefusal) {
  int lookups = 0;
  harness.modules.on(Question::lookup, [&](const Asked& asked) {
    asked.located({++lookups == 1 ? kElsewhere : Holder{}});
  });

  EXPECT_THAT(answer(kMessage, kToRemote), kNotConnected);
  EXPECT_EQ(count(Question::send), 1u);
}

TEST_F(RelayTest, NeverResendsAnUnconfirmedMessage) {
  place_remote();
  for (const crolang_status status : {CROLANG_TIMEOUT, CROLANG_UNAVAILABLE, CROLANG_INTERNAL}) {
    harness.modules.on(Question::send, [&](const Asked& asked) { asked.fail(status); });
    EXPECT_THAT(answer(kMessage, kToRemote), kError);
  }
  EXPECT_EQ(count(Question::send), 3u);
  EXPECT_EQ(count(Question::lookup), 3u);
}

TEST_F(RelayTest, AnswersErrorWhenTheConfirmationNeverComes) {
  place_remote();
  harness.modules.keep(Question::send);
  answer(kMessage, kToRemote);

  harness.pass(kDeadline);

  EXPECT_THAT(harness.sent(ann), kError);
  EXPECT_EQ(count(Question::send), 1u);
}

TEST_F(RelayTest, AnswersErrorWhenTheReceiverCannotBeLookedUp) {
  harness.modules.on(Question::lookup, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  EXPECT_THAT(answer(kMessage, kToRemote), kError);
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, FindsAReceiverThatJoinsHereDuringTheLookUp) {
  harness.modules.keep(Question::lookup);
  answer(kMessage, kToRemote);

  Node& remote = harness.join("remote");
  harness.modules.last(Question::lookup).located({{std::string(kHere), remote.token()}});
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), kOk);
  EXPECT_THAT(harness.sent(remote), ElementsAre(event(kMessage, kToRemote)));
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, DoesNotSendToItselfAsARemote) {
  harness.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({{std::string(kHere), 4711}});
  });

  EXPECT_THAT(answer(kMessage, kToRemote), kNotConnected);
  EXPECT_EQ(count(Question::send), 0u);
}

TEST_F(RelayTest, KeepsTheQueuesOfTwoSendersApart) {
  hold_authorizations();
  harness.modules.on(Question::lookup, [](const Asked& asked) {
    asked.located({{"home of " + asked.ids[0], 1}});
  });
  harness.modules.keep(Question::send);
  harness.say(ann, event(kMessage, R"({"to":"x"})", "1"));
  harness.say(bob, event(kMessage, R"({"to":"y"})", "1"));

  for (const Asked& asked : authorizations()) asked.yes();
  harness.run_iteration();

  const auto sends = harness.modules.asked(Question::send);
  ASSERT_EQ(sends.size(), 2u);
  for (const Asked& send : sends) EXPECT_EQ(send.holder.instance, "home of " + send.id);
}

// ---- remote queues

TEST_F(RelayTest, LetsLocalMessagesPassThoseInFlightToOtherInstances) {
  place_remote();
  harness.modules.keep(Question::send);
  EXPECT_THAT(answer(event(kMessage, kToRemote, "1")), IsEmpty());

  EXPECT_THAT(answer(event(kMessage, kToBob, "2")), ElementsAre(ack(2, "OK")));

  EXPECT_EQ(harness.sent(bob).size(), 1u);
  EXPECT_TRUE(ann.has_waiting());
}

TEST_F(RelayTest, LetsLocalMessagesPassThoseWhoseReceiverIsBeingLookedUp) {
  harness.modules.keep(Question::lookup);
  answer(event(kMessage, kToRemote, "1"));

  EXPECT_THAT(answer(event(kMessage, kToBob, "2")), ElementsAre(ack(2, "OK")));
}

TEST_F(RelayTest, DoesNotMakeOneRemoteReceiverWaitForAnother) {
  harness.modules.keep(Question::lookup);
  decide_all(Question::send, true);
  answer(numbered("slow", 1));
  answer(numbered("quick", 2));

  harness.modules.last(Question::lookup).located({kElsewhere});
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(2, "OK")));
}

/// A registry that keeps the last message's question and nothing else.
struct SilentRegistry {
  explicit SilentRegistry(modules::ModuleTable& table)
      : own(*table.of<modules::Kind::registry>().table) {
    own.send = [](void*, crolang_str, crolang_lease, crolang_str, std::uint32_t,
                  crolang_yes_no_fn answer, void* call) {
      asked = {answer, call};
    };
    table.of<modules::Kind::registry>().table = &own;
  }
  static void take() { asked.first(asked.second, CROLANG_OK, true, {}); }

  crolang_registry own;
  static inline std::pair<crolang_yes_no_fn, void*> asked;
};

TEST_P(StraightTest, DoesNotAllocateToAnotherInstanceOnceAnotherWasSent) {
  locate_remote_at({"an instance with quite a long name", 4711});
  const SilentRegistry registry(harness.modules.table);
  const std::string text =
      event(GetParam(), R"({"to":"a node with quite a long id too","content":"hi"})", "1");
  std::vector<std::size_t> made;
  for (int n = 0; n < 4; ++n) {
    std::string bytes = websocket::testing::text(text);
    const std::size_t before = websocket::testing::allocations.made;
    ann.receive(harness.broker.context(), bytes, harness.now);
    SilentRegistry::take();
    harness.calls.collect();
    made.push_back(websocket::testing::allocations.made - before);
    EXPECT_THAT(harness.sent(ann), kOk);
    EXPECT_FALSE(ann.has_waiting());
    harness.broker.context().dirty.outboxes.clear();
  }
  EXPECT_GT(made.front(), 0u) << "it counts";
  EXPECT_EQ(made.back(), 0u);
}

TEST_F(RelayTest, HandsOverManyBeforeTheFirstIsAnswered) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 20);
  ASSERT_EQ(sends().size(), RemoteQueue::kWindow);
  EXPECT_EQ(count(Question::lookup), 1u);

  send(0).yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK")));
  EXPECT_EQ(sends().back(), "elsewhere:17");
}

TEST_F(RelayTest, HandsOverAllInOrder) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 50);
  for (std::size_t i = 0; i < sends().size(); ++i) {
    send(i).yes();
    harness.run_iteration();
  }

  const auto acks = harness.sent(ann);
  ASSERT_EQ(acks.size(), 50u);
  ASSERT_EQ(sends().size(), 50u);
  for (int n = 1; n <= 50; ++n) {
    const auto i = static_cast<std::size_t>(n - 1);
    EXPECT_EQ(sends()[i], "elsewhere:" + std::to_string(n));
    EXPECT_EQ(acks[i], ack(n, "OK"));
  }
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(RelayTest, AcknowledgesHandedOverMessagesInOrder) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 3);

  send(2).yes();
  send(1).fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  send(0).yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK"), ack(2, "ERROR"), ack(3, "OK")));
}

TEST_F(RelayTest, AuthorizesMessagesBeforeTheyEnterRemoteQueues) {
  place_remote();
  hold_authorizations();
  harness.modules.keep(Question::send);
  send_remote(1, 3);
  const auto asked = authorizations();
  asked[2].yes();
  asked[1].no();
  harness.run_iteration();
  EXPECT_THAT(sends(), IsEmpty());

  asked[0].yes();
  harness.run_iteration();

  EXPECT_THAT(sends(), ElementsAre("elsewhere:1", "elsewhere:3"));
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(2, "UNAUTHORIZED")));
}

TEST_F(RelayTest, ResendsAllInOrderWhenTheReceiverHasMoved) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 3);
  locate_remote_at(kNewHome);

  send(1).no();
  send(0).no();
  harness.run_iteration();
  send_remote(4, 4);
  EXPECT_EQ(sends().size(), 3u) << "one is still on its way to the old home";
  EXPECT_EQ(count(Question::lookup), 1u);
  send(2).no();
  harness.run_iteration();

  EXPECT_EQ(count(Question::lookup), 2u);
  EXPECT_THAT(sends(), ElementsAre("elsewhere:1", "elsewhere:2", "elsewhere:3", "new home:1",
                                   "new home:2", "new home:3", "new home:4"));
  for (const std::size_t i : {3u, 4u, 5u, 6u}) send(i).yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann),
              ElementsAre(ack(1, "OK"), ack(2, "OK"), ack(3, "OK"), ack(4, "OK")));
}

TEST_F(RelayTest, ResendsOnlyRefusedMessages) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 3);
  locate_remote_at(kNewHome);

  send(0).yes();
  send(1).no();
  send(2).no();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK")));
  EXPECT_THAT(sends(),
              ElementsAre("elsewhere:1", "elsewhere:2", "elsewhere:3", "new home:2", "new home:3"));
}

TEST_F(RelayTest, AnswersNotConnectedToAllThatAreRefusedTwice) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 2);
  for (const std::size_t i : {0u, 1u}) send(i).no();
  harness.run_iteration();
  for (const std::size_t i : {2u, 3u}) send(i).no();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "NOT_CONNECTED"), ack(2, "NOT_CONNECTED")));
  EXPECT_EQ(sends().size(), 4u);
  EXPECT_EQ(count(Question::lookup), 2u);
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(RelayTest, KeepsTheOrderAfterAnUnconfirmedMessage) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 3);
  locate_remote_at(kNewHome);

  send(0).fail(CROLANG_TIMEOUT);
  harness.run_iteration();
  send_remote(4, 4);
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "ERROR")));
  EXPECT_EQ(sends().size(), 3u);
  send(1).no();
  send(2).no();
  harness.run_iteration();

  EXPECT_THAT(sends(), ElementsAre("elsewhere:1", "elsewhere:2", "elsewhere:3", "new home:2",
                                   "new home:3", "new home:4"));
}

TEST_F(RelayTest, LooksUpAgainAfterAnUnconfirmedMessage) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 20);
  locate_remote_at(kNewHome);

  for (std::size_t i = 0; i < RemoteQueue::kWindow; ++i) send(i).fail(CROLANG_TIMEOUT);
  harness.run_iteration();

  const auto acks = harness.sent(ann);
  ASSERT_EQ(acks.size(), RemoteQueue::kWindow);
  for (int n = 1; n <= 16; ++n) {
    EXPECT_EQ(acks[static_cast<std::size_t>(n - 1)], ack(n, "ERROR"));
  }
  ASSERT_EQ(sends().size(), 20u);
  for (std::size_t i = 16; i < 20; ++i) {
    EXPECT_EQ(sends()[i], "new home:" + std::to_string(i + 1));
  }
}

TEST_F(RelayTest, AnswersErrorWhenTheRemoteOutboxIsFull) {
  place_remote();
  harness.modules.on(Question::send, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });

  EXPECT_THAT(answer(kMessage, kToRemote), kError);

  EXPECT_EQ(count(Question::send), 1u);
  EXPECT_EQ(count(Question::lookup), 1u);
}

TEST_F(RelayTest, LooksUpOnceForAllThatWait) {
  harness.modules.keep(Question::lookup);
  send_remote(1, 3);
  EXPECT_EQ(count(Question::lookup), 1u);

  // Who came after the question was asked gets one of its own.
  harness.modules.last(Question::lookup).located({Holder{}});
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "NOT_CONNECTED")));
  EXPECT_EQ(count(Question::lookup), 2u);
  harness.modules.last(Question::lookup).fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(2, "ERROR"), ack(3, "ERROR")));
  EXPECT_EQ(count(Question::lookup), 2u);
}

TEST_F(RelayTest, LetsNoMessageOvertakeARemoteQueueToAReceiverThatJoinsHere) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 2);
  Node& remote = harness.join("remote");
  send_remote(3, 3);
  EXPECT_THAT(harness.sent(remote), IsEmpty());

  for (const std::size_t i : {0u, 1u, 2u}) send(i).no();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK"), ack(2, "OK"), ack(3, "OK")));
  EXPECT_THAT(harness.sent(remote), ElementsAre(event(kMessage, payload("remote", 1)),
                                                event(kMessage, payload("remote", 2)),
                                                event(kMessage, payload("remote", 3))));
  EXPECT_EQ(count(Question::lookup), 1u);
  EXPECT_THAT(answer(numbered("remote", 4)), ElementsAre(ack(4, "OK")));
  EXPECT_EQ(sends().size(), 3u);
}

TEST_F(RelayTest, DropsItsRemoteQueuesWhenTheSenderIsGone) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 20);
  const std::uint32_t slot = ann.handle().slot;

  harness.cut(ann);
  Node& eve = harness.join("eve");
  ASSERT_EQ(eve.handle().slot, slot);
  for (std::size_t i = 0; i < RemoteQueue::kWindow; ++i) send(i).no();
  harness.run_iteration();

  EXPECT_EQ(sends().size(), RemoteQueue::kWindow);
  EXPECT_THAT(harness.sent(eve), IsEmpty());
  EXPECT_FALSE(eve.has_waiting());
}

TEST_F(RelayTest, DoesNotApplyAnOldSendResultToANewLogin) {
  place_remote();
  harness.modules.keep(Question::send);
  send_remote(1, 1);
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);
  send_remote(2, 2);

  send(0).yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  send(1).no();
  harness.run_iteration();

  EXPECT_THAT(sends(), ElementsAre("elsewhere:1", "elsewhere:2", "elsewhere:2"));
}

TEST_F(RelayTest, WaitsInTheAuthorizationQueueAtTooManyRemoteReceivers) {
  place_remote();
  harness.modules.keep(Question::send);
  for (std::size_t i = 0; i < kMaxRemoteQueues; ++i)
    harness.say(ann, numbered("r" + std::to_string(i), 1));
  harness.run_iteration();
  EXPECT_THAT(answer(numbered("one more", 2)), IsEmpty());
  EXPECT_THAT(answer(numbered("bob", 3)), IsEmpty());
  EXPECT_EQ(sends().size(), kMaxRemoteQueues);

  send(0).yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK")));
  EXPECT_EQ(harness.modules.last(Question::send).id, "one more");
  EXPECT_THAT(harness.sent(bob), IsEmpty());
  harness.modules.last(Question::send).yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(2, "OK"), ack(3, "OK")));
  EXPECT_EQ(harness.sent(bob).size(), 1u);
}

TEST_F(SmallOutboxRelayTest, AnswersErrorWhenTooMuchIsInFlight) {
  place_remote();
  harness.modules.keep(Question::send);
  const std::string big = R"({"to":"remote","x":")" + std::string(900, 'x') + "\"}";
  EXPECT_THAT(answer(event(kMessage, big, "1")), IsEmpty());

  EXPECT_THAT(answer(event(kMessage, big, "2")), ElementsAre(ack(2, "ERROR")));

  EXPECT_THAT(answer(event(kMessage, kToBob, "3")), ElementsAre(ack(3, "OK")));
  send(0).yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK")));
  EXPECT_THAT(answer(event(kMessage, big, "4")), IsEmpty());
  EXPECT_EQ(count(Question::send), 2u);
}

/// A receiver that moves about, and a registry that answers late and in any order, or not at all.
class RestlessTest : public RelayTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  RestlessTest() {
    harness.modules.table.of<modules::Kind::observer>().clear();
    harness.modules.on(Question::send,
                       [this](const Asked& asked) { open.push_back(arrive(asked)); });
    harness.modules.on(Question::lookup, [this](const Asked& asked) {
      open.push_back([this, asked] { asked.located({home}); });
    });
  }

  bool chance(unsigned percent) { return random() % 100 < percent; }

  /// Sends arrive in the order of the calls; only the answers do not.
  std::function<void()> arrive(const Asked& asked) {
    // A registry may refuse what it should not, as long as it lost its memory.
    if (asked.token != home.token || chance(5)) return [asked] { asked.no(); };
    if (chance(5)) return [asked] { asked.fail(CROLANG_TIMEOUT); };
    delivered.push_back(std::stoi(asked.body.substr(asked.body.rfind(':') + 1)));
    return [asked] { asked.yes(); };
  }

  void answer_one() {
    const std::size_t i = random() % open.size();
    const auto answer = open[i];
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
    harness.sleeps = chance(70);
    const std::size_t before = harness.woken;
    answer();
    // A worker that nobody wakes does nothing.
    if (harness.woken != before) harness.run_iteration();
  }

  /// Lulls, in which a message is often all that is under way, and rushes.
  void step(bool lull) {
    if (chance(2)) home = {"home", home.token + 1};
    if (chance(1)) home = {"", home.token + 1};
    if (chance(lull ? 20 : 50)) {
      ++said;
      send_remote(said, said);
    }
    if (!open.empty() && chance(lull ? 90 : 45)) answer_one();
  }

  std::mt19937 random{GetParam()};
  Holder home = kElsewhere;
  std::vector<std::function<void()>> open;
  std::vector<int> delivered;
  int said = 0;
};
INSTANTIATE_TEST_SUITE_P(, RestlessTest, ::testing::Range(1u, 11u));

TEST_P(RestlessTest, KeepsTheOrderAndAcknowledgesCorrectly) {
  for (int i = 0; i < 1000; ++i) step(i / 100 % 2 == 1);
  while (!open.empty()) answer_one();

  EXPECT_TRUE(std::ranges::is_sorted(delivered, std::less_equal<>()));
  EXPECT_GT(delivered.size(), 100u);
  EXPECT_GT(harness.redeemed, 0u);
  const auto acks = harness.sent(ann);
  harness.run_iteration();
  ASSERT_EQ(acks.size(), static_cast<std::size_t>(said));
  for (int n = 1; n <= said; ++n) {
    const std::string& answer = acks[static_cast<std::size_t>(n - 1)];
    if (std::ranges::binary_search(delivered, n)) {
      EXPECT_EQ(answer, ack(n, "OK"));
    } else {
      EXPECT_THAT(answer, ::testing::AnyOf(ack(n, "ERROR"), ack(n, "NOT_CONNECTED")));
    }
  }
  EXPECT_FALSE(ann.has_waiting());
}

// ---- route cache

TEST_F(RelayTest, LooksUpAReceiverOfASingleMessage) {
  place_remote();
  decide_all(Question::send, true);
  for (int n = 1; n <= 5; ++n)
    EXPECT_THAT(answer(numbered("remote", n)), ElementsAre(ack(n, "OK")));
  harness.say(bob, numbered("remote", 6));

  EXPECT_EQ(count(Question::lookup), 1u);
  EXPECT_EQ(count(Question::send), 6u);
}

TEST_F(RelayTest, LooksUpAReceiverOnceForSeveralSenders) {
  place_remote();
  harness.modules.keep(Question::send);
  harness.say(ann, numbered("remote", 1));
  harness.say(bob, numbered("remote", 1));

  EXPECT_EQ(count(Question::lookup), 1u);
  EXPECT_EQ(count(Question::send), 2u);
}

TEST_F(RelayTest, LooksUpAgainAfterHalfAMinuteWithoutMessages) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);
  harness.pass(RouteCache::kLifetime - 1ms);
  answer(kMessage, kToRemote);
  harness.pass(RouteCache::kLifetime - 1ms);
  answer(kMessage, kToRemote);
  EXPECT_EQ(count(Question::lookup), 1u);

  harness.pass(RouteCache::kLifetime);
  answer(kMessage, kToRemote);

  EXPECT_EQ(count(Question::lookup), 2u);
}

TEST_F(RelayTest, LooksUpAReceiverThatHasMoved) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);
  harness.modules.on(Question::send, [](const Asked& asked) {
    asked.holder.instance == kNewHome.instance ? asked.yes() : asked.no();
  });
  locate_remote_at(kNewHome);

  EXPECT_THAT(answer(kMessage, kToRemote), kOk);
  EXPECT_EQ(count(Question::lookup), 2u);
  EXPECT_THAT(answer(kMessage, kToRemote), kOk);
  EXPECT_EQ(count(Question::lookup), 2u);
}

TEST_F(RelayTest, ForgetsAReceiverThatCouldNotBeReached) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);
  harness.modules.on(Question::send, [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  EXPECT_THAT(answer(kMessage, kToRemote), kError);
  EXPECT_EQ(count(Question::lookup), 1u);

  answer(kMessage, kToRemote);

  EXPECT_EQ(count(Question::lookup), 2u);
}

TEST_F(RelayTest, PrefersALocalReceiverToACachedRoute) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);
  Node& remote = harness.join("remote");

  EXPECT_THAT(answer(kMessage, kToRemote), kOk);

  EXPECT_EQ(harness.sent(remote).size(), 1u);
  EXPECT_EQ(count(Question::send), 1u);
}

TEST_F(RelayTest, DoesNotAnswerPresenceFromTheRouteCache) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);
  locate_remote_at({});

  EXPECT_THAT(answer(event("ARE_NODES_CONNECTED_TO_BROKER", R"({"ids":["remote"]})", "1")),
              ElementsAre(::testing::HasSubstr(R"(\"connected\":false)")));
  EXPECT_EQ(count(Question::lookup), 2u);
}

// ---- acknowledged while the worker sleeps

class ReceiptTest : public RelayTest {
 protected:
  ReceiptTest() {
    harness.modules.table.of<modules::Kind::observer>().clear();
    place_remote();
    // Where the receiver is is known.
    decide_all(Question::send, true);
    answer(kMessage, kToRemote);
    harness.modules.keep(Question::send);
    harness.sleeps = true;
  }

  Asked last_send() { return harness.modules.last(Question::send); }
  Asked last_to_remote;
};

TEST_F(ReceiptTest, AcknowledgesAtOnceAndOnce) {
  EXPECT_THAT(answer(kMessage, kToRemote), IsEmpty());
  harness.woken = 0;

  last_send().yes();

  EXPECT_EQ(harness.woken, 0u);
  EXPECT_THAT(harness.sent(ann), kOk);
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  EXPECT_FALSE(ann.has_waiting());
  // Counted once, and not by the worker.
  EXPECT_EQ(harness.counters.value(telemetry::Counter::ack_ok), 1u);
}

TEST_F(ReceiptTest, IsRevokedByTheNextMessage) {
  send_remote(1, 2);
  harness.woken = 0;
  const std::size_t first = harness.modules.asked(Question::send).size() - 2;

  // Not taken, so that nothing more can be done before the first is known.
  send(first + 1).fail(CROLANG_UNAVAILABLE);
  EXPECT_EQ(harness.woken, 1u);
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  send(first).yes();
  EXPECT_EQ(harness.woken, 2u);
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK"), ack(2, "ERROR")));
  EXPECT_EQ(harness.redeemed, 0u);
}

TEST_F(ReceiptTest, IsRevokedByAMessageToAnotherReceiver) {
  harness.say(ann, numbered("remote", 1));
  harness.say(ann, numbered("another", 2));
  harness.run_iteration();
  harness.woken = 0;
  for (const Asked& asked : harness.modules.asked(Question::send)) {
    if (asked.id == "remote") last_to_remote = asked;
  }
  last_to_remote.yes();
  EXPECT_EQ(harness.woken, 1u);
  EXPECT_EQ(harness.redeemed, 0u);
}

TEST_F(ReceiptTest, MayBeRedeemedWhileTheNextMessageIsBeingRead) {
  harness.say(ann, numbered("remote", 1));
  const Asked first = last_send();
  harness.modules.on(Question::authorize, [first](const Asked& asked) {
    first.yes();
    asked.yes();
  });
  harness.say(ann, numbered("remote", 2));
  EXPECT_EQ(harness.redeemed, 1u);
  last_send().yes();
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(1, "OK"), ack(2, "OK")));
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(ReceiptTest, IsIssuedAgainOnceNothingIsInFlight) {
  send_remote(1, 2);
  const std::size_t first = harness.modules.asked(Question::send).size() - 2;
  send(first).yes();
  send(first + 1).yes();
  harness.run_iteration();
  harness.sent(ann);
  send_remote(3, 3);
  last_send().yes();
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(3, "OK")));
  EXPECT_EQ(harness.redeemed, 1u);
}

TEST_F(ReceiptTest, OfAnOldLoginIsInvalid) {
  send_remote(1, 1);
  const Asked old = last_send();
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);
  old.yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());

  send_remote(2, 2);
  const Asked older = last_send();
  harness.say(ann, "41");
  harness.say(ann, "40");
  harness.sent(ann);
  send_remote(3, 3);
  older.yes();
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  last_send().yes();
  EXPECT_THAT(harness.sent(ann), ElementsAre(ack(3, "OK")));
}

TEST_F(ReceiptTest, IsRedeemedOnlyIfTheMessageWasAccepted) {
  answer(kMessage, kToRemote);
  last_send().fail(CROLANG_TIMEOUT);
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), kError);
}

TEST_F(ReceiptTest, IsNotNeededWithoutAnId) {
  harness.say(ann, event(kMessage, kToRemote));
  harness.woken = 0;
  last_send().yes();
  EXPECT_EQ(harness.woken, 0u);
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  EXPECT_FALSE(ann.has_waiting());
}

TEST_F(ReceiptTest, HoldsTheLongestId) {
  answer(event(kMessage, kToRemote, "1" + std::string(300, '7')));
  last_send().yes();
  EXPECT_THAT(harness.sent(ann), ElementsAre("431.777777777777778e+300[\"OK\"]"));
}

TEST_F(ReceiptTest, OfANodeThatHasLeftIsInvalid) {
  for (const std::string_view id : {"1", ""}) {
    Node& eve = harness.join("eve");
    harness.say(eve, event(kMessage, kToRemote, id));
    harness.cut(eve);
    harness.woken = 0;
    last_send().yes();
    EXPECT_EQ(harness.woken, 1u);
    EXPECT_EQ(harness.redeemed, 0u);
    harness.run_iteration();
  }
}

TEST_F(ReceiptTest, WaitsForTheWorkerIfAnObserverIsToBeNotified) {
  ScriptedModules observed;
  harness.modules.table.of<modules::Kind::observer>() =
      observed.table.of<modules::Kind::observer>();
  answer(kMessage, kToRemote);
  last_send().yes();
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  harness.run_iteration();
  EXPECT_THAT(harness.sent(ann), kOk);
  EXPECT_THAT(observed.observed, SizeIs(1));
}

TEST_F(ReceiptTest, DoesNotWaitIfTheObserverIsNotNotified) {
  ScriptedModules observed;
  harness.modules.table.of<modules::Kind::observer>() =
      observed.table.of<modules::Kind::observer>();
  answer("CONNECTION_ATTEMPT", kToRemote);
  last_send().yes();
  EXPECT_THAT(harness.sent(ann), kOk);
  harness.run_iteration();
  EXPECT_THAT(observed.observed, IsEmpty());
}

// ---- the observer

TEST_F(RelayTest, NotifiesTheObserverOfADeliveredMessage) {
  answer(kMessage, kToBob);

  EXPECT_THAT(harness.modules.observed, ElementsAre(Observed{"ann", "bob", true}));
}

TEST_F(RelayTest, NotifiesTheObserverOfAMessageToAnAbsentNode) {
  answer(kMessage, R"({"to":"nobody"})");

  EXPECT_THAT(harness.modules.observed, ElementsAre(Observed{"ann", "nobody", false}));
}

TEST_F(RelayTest, NotifiesTheObserverOfAHandedOverMessage) {
  place_remote();
  decide_all(Question::send, true);
  answer(kMessage, kToRemote);

  EXPECT_THAT(harness.modules.observed, ElementsAre(Observed{"ann", "remote", true}));
}

TEST_F(RelayTest, DoesNotNotifyTheObserverOfUnauthorizedMessages) {
  decide_all(Question::authorize, false);
  answer(kMessage, kToBob);
  harness.modules.on(Question::authorize, [](const Asked& asked) { asked.fail(CROLANG_TIMEOUT); });
  answer(kMessage, kToBob);
  answer(kMessage, "{}");

  EXPECT_THAT(harness.modules.observed, IsEmpty());
}

TEST_F(RelayTest, DoesNotNotifyTheObserverOfOtherTypes) {
  for (const std::string_view name : kRelayedNames) {
    if (name != kMessage) answer(name, kToBob);
  }

  EXPECT_THAT(harness.modules.observed, IsEmpty());
}

// ---- the rate of a node

class RateTest : public RelayTest {
 protected:
  RateTest() : RelayTest({.message_rate = 10, .message_burst = 2}) {}

  std::uint64_t count(telemetry::Counter counter) const { return harness.counters.value(counter); }
};

TEST_F(RateTest, AnswersMessagesBeyondItWithAnErrorAndAsksNobody) {
  for (int i = 0; i < 2; ++i) EXPECT_THAT(answer(kMessage, kToBob), kOk);
  harness.sent(bob);
  const std::size_t asked = authorizations().size();

  EXPECT_THAT(answer(kMessage, kToBob), kError);

  EXPECT_THAT(harness.sent(bob), IsEmpty());
  EXPECT_THAT(authorizations(), SizeIs(asked));
  EXPECT_THAT(harness.modules.observed, SizeIs(2));
  EXPECT_EQ(count(telemetry::Counter::messages_over_rate), 1u);
  EXPECT_THAT(harness.paused, ElementsAre(ann.handle()));
}

TEST_F(RateTest, CountsMessagesOfEveryTypeAndInvalidOnes) {
  answer(kAttempt, kToBob);
  answer(kMessage, "not JSON");

  EXPECT_THAT(answer(kAttempt, kToBob), kError);
}

TEST_F(RateTest, IsOfOneNode) {
  for (int i = 0; i < 3; ++i) answer(kMessage, kToBob);
  harness.say(bob, event(kMessage, R"({"to":"ann"})"));

  EXPECT_THAT(harness.sent(ann), SizeIs(1));
}

TEST_F(RateTest, AllowsMoreAsTimePasses) {
  for (int i = 0; i < 3; ++i) answer(kMessage, kToBob);
  harness.pass(100ms);

  EXPECT_THAT(answer(kMessage, kToBob), kOk);
  EXPECT_THAT(answer(kMessage, kToBob), kError);
}

TEST_F(RateTest, EndsTcpOfANodeThatDoesNotSlowDown) {
  for (int i = 0; i < 101; ++i) {
    for (int n = 0; n < 3; ++n) answer(kMessage, kToBob);
    if (ann.state() == session::State::closing) break;
    harness.pass(100ms);
  }

  EXPECT_EQ(ann.state(), session::State::closing);
  EXPECT_EQ(ann.ending(), session::Ending::finish) << "it comes back by itself";
  EXPECT_EQ(count(telemetry::Counter::closed_message_rate), 1u);
  EXPECT_FALSE(harness.shared.directory.find("ann"));
}

TEST_F(RateTest, IsNotThatOfPresence) {
  for (int i = 0; i < 3; ++i) answer(kMessage, kToBob);

  EXPECT_THAT(answer("ARE_NODES_CONNECTED_TO_BROKER", R"({"ids":["bob"]})"),
              ElementsAre(::testing::HasSubstr("true")));
}

// ---- what is no relayed type

TEST_F(RelayTest, IgnoresUnknownEvents) {
  for (const std::string_view name : {"message", "AUTHENTICATED", "__proto__", "error"}) {
    EXPECT_THAT(answer(name, kToBob), IsEmpty());
  }
  EXPECT_EQ(ann.state(), session::State::joined);
}

// ---- what it measures

TEST_F(RelayTest, MeasuresOneInSixteenDeliveriesOnThisInstance) {
  for (int n = 0; n < 17; ++n) answer(kMessage, kToBob);
  EXPECT_EQ(harness.counters.value(telemetry::Counter::relayed_local), 17u);
  EXPECT_EQ(harness.counters.histogram(telemetry::Latency::relay_local).counts().count(), 2u);
}

TEST_F(RelayTest, MeasuresAMessageFromItsReceiptToTheOtherInstancesAnswer) {
  place_remote();
  harness.modules.keep(Question::send);
  answer(kMessage, kToRemote);
  harness.pass(40ms);
  harness.modules.last(Question::send).yes();
  harness.run_iteration();
  const auto counts = harness.counters.histogram(telemetry::Latency::relay_remote).counts();
  EXPECT_EQ(counts.count(), 1u);
  EXPECT_EQ(counts.sum, 40ms);
}

TEST_F(ReceiptTest, IsMeasuredUntilItWasRedeemedHoweverLongTheWorkerSleeps) {
  const auto before = harness.counters.histogram(telemetry::Latency::relay_remote).counts();
  answer(kMessage, kToRemote);
  last_send().yes();
  ASSERT_EQ(harness.redeemed, 1u);
  harness.pass(1h);
  auto counts = harness.counters.histogram(telemetry::Latency::relay_remote).counts();
  counts -= before;
  EXPECT_EQ(counts.count(), 1u);
  EXPECT_LT(counts.sum, 30min);
}

TEST_F(RelayTest, DoesNotMeasureWhatTheOtherInstanceDidNotTake) {
  place_remote();
  decide_all(Question::send, false);
  answer(kMessage, kToRemote);
  EXPECT_EQ(harness.counters.histogram(telemetry::Latency::relay_remote).counts().count(), 0u);
}

}  // namespace
}  // namespace crolang::broker
