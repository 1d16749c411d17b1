#include "broker/negotiation_halves.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "broker/lease.hpp"
#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using negotiation::Ack;
using negotiation::CandidateType;
using negotiation::MessageKind;
using negotiation::Record;
using negotiation::Side;
using ::testing::ElementsAre;
using testing::event;
using testing::Harness;
using ::testing::Pair;
using ::testing::SizeIs;
using Json = nlohmann::json;

/// ann is here, and bob there.
class HalvesTest : public ::testing::Test {
 protected:
  HalvesTest() {
    for (Harness* const each : {&here, &there}) each->now = std::chrono::steady_clock::now();
    connect(here, there, bob);
    connect(there, here, ann);
  }
  /// What is sent to nobody who has joined `from` goes to this node.
  static void connect(Harness& from, Harness& to, Node& receiver) {
    from.modules.on(testing::Question::lookup, [&to](const testing::Asked& asked) {
      asked.located({{to.shared.instance, 1}});
    });
    from.modules.on(testing::Question::send, [&to, &receiver](const testing::Asked& asked) {
      const crolang_registry_events events = registry_events(to.shared);
      const auto lease = lease_of(receiver.id(), receiver.token(), receiver.handle());
      events.on_message(
          events.ctx,
          {{lease.id.data(), lease.id.size()}, lease.token, lease.session, lease.worker},
          {asked.body.data(), asked.body.size()},
          [](void*, crolang_status status, bool taken, crolang_str) {
            EXPECT_EQ(status, CROLANG_OK);
            EXPECT_TRUE(taken);
          },
          nullptr);
      asked.yes();
    });
  }
  static void say(Harness& harness, Node& node, std::string_view name, std::string_view to,
                  std::string_view more = "") {
    std::string payload = R"({"from":")";
    payload.append(node.id()).append(R"(","to":")").append(to).append(R"(","sessionId":"s")");
    harness.say(node, event(name, payload.append(more).append("}"), "1"));
    harness.run_iteration();
    EXPECT_THAT(harness.sent(node), ::testing::Contains(R"(431["OK"])"));
  }
  void negotiate() {
    say(here, ann, "CONNECTION_ATTEMPT", "bob");
    say(there, bob, "CONNECTION_ACCEPTANCE", "ann");
    say(here, ann, "ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER", "bob", candidate("host"));
    say(there, bob, "ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR", "ann", candidate("relay"));
  }
  static std::string candidate(std::string_view type) {
    return std::string(R"(,"candidate":{"sdp":"candidate:1 1 udp 1 192.0.2.2 9 typ )")
        .append(type)
        .append(R"("})");
  }
  static Record only(const Harness& harness) {
    const auto records =
        harness.shared.negotiations->newest({}, 10, std::chrono::steady_clock::now());
    EXPECT_THAT(records, SizeIs(1));
    return records.at(0);
  }
  struct Answered {
    crolang_status status = CROLANG_INTERNAL;
    std::string text;
  };
  static Answered ask(const Harness& harness, std::string_view question) {
    Answered answered;
    harness.shared.questions.answer(
        question, {[](void* call, crolang_status status, crolang_str text, crolang_str error) {
                     const crolang_str words = status == CROLANG_OK ? text : error;
                     *static_cast<Answered*>(call) = {status, std::string(words.data, words.size)};
                   },
                   &answered});
    return answered;
  }
  static std::string question_of(const Record& record, Detail detail,
                                 std::chrono::milliseconds later = 0ms) {
    const std::array records{&record};
    return halves_question(records, detail, std::chrono::steady_clock::now() + later);
  }
  static bool merge(Record& record, std::string_view answer,
                    std::chrono::milliseconds round_trip = 1ms) {
    const std::array records{&record};
    return merge_halves(records, answer, round_trip);
  }
  static std::vector<std::pair<Side, MessageKind>> events(const Record& record) {
    std::vector<std::pair<Side, MessageKind>> all;
    for (std::size_t i = 0; i < record.event_count; ++i) {
      all.emplace_back(record.events[i].from, record.events[i].kind);
    }
    return all;
  }

  Harness here{{}, "here"};
  Harness there{{}, "there"};
  Node& ann = here.join("ann");
  Node& bob = there.join("bob");
};

TEST_F(HalvesTest, AreKeptByTheInstanceOfTheNode) {
  negotiate();
  const Record record = only(here);
  EXPECT_EQ(record.state, negotiation::State::answered);
  EXPECT_TRUE(has_half_elsewhere(record));
  EXPECT_TRUE(record.party(Side::responder).candidates.none());
  EXPECT_THAT(events(record), ElementsAre(Pair(Side::initiator, MessageKind::attempt),
                                          Pair(Side::responder, MessageKind::acceptance),
                                          Pair(Side::initiator, MessageKind::candidates)));
  EXPECT_TRUE(only(there).party(Side::initiator).candidates.none());
}

TEST_F(HalvesTest, ArePutTogether) {
  negotiate();
  for (const auto& [mine, other] : {std::pair(&here, &there), std::pair(&there, &here)}) {
    Record record = only(*mine);
    const auto answered = ask(*other, question_of(record, Detail::messages));
    ASSERT_EQ(answered.status, CROLANG_OK) << answered.text;
    ASSERT_TRUE(merge(record, answered.text));
    EXPECT_FALSE(record.party(Side::initiator).is_kept_elsewhere);
    EXPECT_FALSE(record.party(Side::responder).is_kept_elsewhere);
    EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::host), 1);
    EXPECT_EQ(record.party(Side::responder).candidates.of(CandidateType::relay), 1);
    EXPECT_TRUE(record.party(Side::initiator).servers.known);
    EXPECT_TRUE(record.party(Side::responder).servers.known);
    EXPECT_EQ(record.attempt_ack, Ack::ok);
    EXPECT_EQ(record.answer_ack, Ack::ok);
    EXPECT_THAT(events(record),
                ::testing::UnorderedElementsAre(Pair(Side::initiator, MessageKind::attempt),
                                                Pair(Side::responder, MessageKind::acceptance),
                                                Pair(Side::initiator, MessageKind::candidates),
                                                Pair(Side::responder, MessageKind::candidates)));
    for (std::size_t i = 0; i < record.event_count; ++i) {
      EXPECT_EQ(record.events[i].ack, Ack::ok);
      EXPECT_TRUE(i == 0 || record.events[i - 1].milliseconds <= record.events[i].milliseconds);
    }
  }
}

TEST_F(HalvesTest, WithoutMessagesHaveCountsOnly) {
  negotiate();
  Record record = only(here);
  const auto answered = ask(there, question_of(record, Detail::counts));
  EXPECT_EQ(answered.text.find("events"), std::string::npos);
  ASSERT_TRUE(merge(record, answered.text));
  EXPECT_EQ(record.party(Side::responder).candidates.of(CandidateType::relay), 1);
  EXPECT_EQ(record.event_count, 3);
}

TEST_F(HalvesTest, TellWhatWasNotDelivered) {
  negotiate();
  there.modules.on(testing::Question::send,
                   [](const testing::Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  there.say(bob, event("ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR",
                       R"({"to":"ann","sessionId":"s"})", "2"));
  there.run_iteration();
  EXPECT_THAT(there.sent(bob), ElementsAre(R"(432["ERROR"])"));
  Record record = only(here);
  ASSERT_TRUE(merge(record, ask(there, question_of(record, Detail::counts)).text));
  EXPECT_EQ(record.party(Side::responder).lost, 1);
  EXPECT_EQ(record.party(Side::responder).last_loss, Ack::error);
  EXPECT_EQ(record.failure, why(Outcome::not_taken));
}

TEST_F(HalvesTest, OfAnotherAttemptAreNotTaken) {
  negotiate();
  Record record = only(here);
  for (const auto later : {-31s, 31s}) {
    const auto answered = ask(there, question_of(record, Detail::counts, later));
    EXPECT_EQ(answered.text, R"({"halves":[null]})");
    ASSERT_TRUE(merge(record, answered.text));
    EXPECT_TRUE(has_half_elsewhere(record));
  }
}

TEST_F(HalvesTest, OfAttemptsCloserThanTheQuestionTookAreNotTaken) {
  negotiate();
  const Record before = only(here);
  Json half = Json::parse(ask(there, question_of(before, Detail::counts)).text);
  EXPECT_FALSE(half["halves"][0].contains("toNext"));
  half["halves"][0]["toNext"] = 400;
  for (const auto& [round_trip, is_taken] : {std::pair(199ms, true), {200ms, false}}) {
    Record record = before;
    EXPECT_TRUE(merge(record, half.dump(), round_trip));
    EXPECT_NE(record.party(Side::responder).is_kept_elsewhere, is_taken);
  }
}

TEST_F(HalvesTest, TellHowFarTheNextAttemptIs) {
  negotiate();
  say(here, ann, "CONNECTION_ATTEMPT", "bob");
  say(there, bob, "CONNECTION_REFUSAL", "ann");
  const auto records = here.shared.negotiations->newest({}, 10, std::chrono::steady_clock::now());
  ASSERT_THAT(records, SizeIs(2));
  const Json half = Json::parse(ask(there, question_of(records[1], Detail::counts)).text);
  EXPECT_TRUE(half["halves"][0].contains("toNext")) << half;
}

TEST_F(HalvesTest, OfANodeThatHasMovedAreAdded) {
  negotiate();
  // ann has come to another instance, which has no record of this: here is kept what she sends.
  Harness third{{}, "third"};
  third.now = std::chrono::steady_clock::now();
  Node& moved = third.join("ann");
  connect(third, there, bob);
  say(third, moved, "ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER", "bob", candidate("srflx"));
  EXPECT_TRUE(third.shared.negotiations->newest({}, 10, third.now).empty());
  Record record = only(there);
  EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::srflx), 1);
  EXPECT_TRUE(record.party(Side::initiator).is_kept_here);
  EXPECT_TRUE(record.party(Side::initiator).is_kept_elsewhere);
  ASSERT_TRUE(merge(record, ask(here, question_of(record, Detail::messages)).text));
  EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::srflx), 1);
  EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::host), 1);
  EXPECT_EQ(record.event_count, 5);

  Record first = only(here);
  ASSERT_TRUE(merge(first, ask(there, question_of(first, Detail::messages)).text));
  EXPECT_EQ(first.party(Side::initiator).candidates.of(CandidateType::srflx), 1);
  EXPECT_EQ(first.party(Side::initiator).candidates.of(CandidateType::host), 1);
  EXPECT_EQ(first.event_count, 5);
}

TEST_F(HalvesTest, CountWhatWasSentBeforeAnAnswer) {
  say(here, ann, "CONNECTION_ATTEMPT", "bob");
  say(there, bob, "ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR", "ann", candidate("relay"));
  Record record = only(here);
  EXPECT_TRUE(has_half_elsewhere(record));
  ASSERT_TRUE(merge(record, ask(there, question_of(record, Detail::counts)).text));
  EXPECT_EQ(record.party(Side::responder).candidates.of(CandidateType::relay), 1);
}

TEST_F(HalvesTest, CountEachMessageThatIsLeftOutOnce) {
  say(here, ann, "CONNECTION_ATTEMPT", "bob");
  for (std::size_t i = 0; i < Record::kMaxEvents + 5; ++i) {
    say(here, ann, "ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER", "bob", candidate("host"));
  }
  say(there, bob, "CONNECTION_ACCEPTANCE", "ann");
  for (const auto& [mine, other] : {std::pair(&here, &there), std::pair(&there, &here)}) {
    Record record = only(*mine);
    ASSERT_TRUE(merge(record, ask(*other, question_of(record, Detail::messages)).text));
    EXPECT_EQ(record.event_count + record.events_left_out, Record::kMaxEvents + 7);
  }
}

TEST_F(HalvesTest, OfNamesThatWereShortenedAreNotAskedFor) {
  negotiate();
  Record record = only(here);
  record.set_names("ann", "bob", std::string(65, 's'));
  EXPECT_FALSE(has_half_elsewhere(record));
}

TEST_F(HalvesTest, AreNotToldForAMalformedQuestion) {
  negotiate();
  for (const std::string_view question : {"negotiations", "negotiations []", "negotiations {",
                                          R"(negotiations {"negotiations":1})"}) {
    EXPECT_EQ(ask(there, question).status, CROLANG_INVALID) << question;
  }
  Json many = Json::array();
  for (std::size_t i = 0; i <= kMaxHalves; ++i) many.push_back({"ann", "bob", "s", 0});
  EXPECT_EQ(ask(there, "negotiations " + Json{{"negotiations", many}}.dump()).status,
            CROLANG_INVALID);
  for (const std::string_view one :
       {"1", "[]", R"(["ann","bob","s","0"])", R"(["ann","bob","s",1e300])",
        R"(["ann","bob","s",9223372036854775807])", R"(["ann","bob","s",-9223372036854775808])",
        R"(["ann","bob",0,0])"}) {
    const auto answered =
        ask(there, std::string(R"(negotiations {"negotiations":[)").append(one).append("]}"));
    EXPECT_EQ(answered.status, CROLANG_OK) << one;
    EXPECT_EQ(answered.text, R"({"halves":[null]})") << one;
  }
}

TEST_F(HalvesTest, OfAnotherVersionAreReadAsFarAsTheyGo) {
  negotiate();
  const Record before = only(here);
  for (const std::string_view answer :
       {"", "[]", "{}", R"({"halves":[]})", R"({"halves":[{},{}]})", R"({"halves":{"0":{}}})"}) {
    Record record = before;
    EXPECT_FALSE(merge(record, answer)) << answer;
  }
  for (const std::string_view party :
       {R"({"candidates":{"types":[70000,-1,"x",1,2,3,4]},"lost":1e9,"lastLoss":7})",
        R"({"events":[1,[],["odd",1,"OK"],["candidates",-1,"OK"],["candidates",99999999999,"?"]]})",
        R"({"servers":{"turn":"yes"},"ack":[],"events":{}})"}) {
    Record record = before;
    const std::string answer =
        std::string(R"({"halves":[{"lastMessage":-1,"parties":{"responder":)")
            .append(party)
            .append(R"(,"initiator":{},"third":{}}}]})");
    EXPECT_TRUE(merge(record, answer)) << answer;
    EXPECT_FALSE(record.party(Side::responder).is_kept_elsewhere) << answer;
    EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::host), 1);
  }
}

TEST_F(HalvesTest, HaveNoMoreMessagesThanARecord) {
  negotiate();
  Json events = Json::array();
  for (int i = 0; i < 100; ++i) events.push_back({"candidates", i, "OK"});
  const Json answer = {
      {"halves",
       {{{"leftOut", 5}, {"lastMessage", 3}, {"parties", {{"responder", {{"events", events}}}}}}}}};
  Record record = only(here);
  ASSERT_TRUE(merge(record, answer.dump()));
  EXPECT_EQ(record.event_count, Record::kMaxEvents);
  EXPECT_GE(record.events_left_out, 5u + 40u);
}

class NoInsightTest : public ::testing::Test {};

TEST_F(NoInsightTest, NothingIsKept) {
  Harness harness({.negotiation_insight = false});
  std::string text;
  harness.shared.questions.answer(R"(negotiations {"negotiations":[["ann","bob","s",0]]})",
                                  {[](void* call, crolang_status, crolang_str answer, crolang_str) {
                                     static_cast<std::string*>(call)->assign(answer.data,
                                                                             answer.size);
                                   },
                                   &text});
  EXPECT_EQ(text, R"({"halves":[null]})");
}

}  // namespace
}  // namespace crolang::broker
