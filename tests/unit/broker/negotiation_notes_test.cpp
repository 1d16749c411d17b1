#include "broker/negotiation_notes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/lease.hpp"
#include "unit/broker/harness.hpp"
#include "unit/websocket/allocations.hpp"
#include "unit/websocket/client_frames.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using negotiation::CandidateType;
using negotiation::Record;
using negotiation::Side;
using negotiation::State;
using telemetry::Counter;
using telemetry::Latency;
using ::testing::ElementsAre;
using testing::event;
using testing::Harness;
using testing::Holder;
using ::testing::IsEmpty;
using testing::Question;
using ::testing::SizeIs;

constexpr std::string_view kAttempt = "CONNECTION_ATTEMPT";
constexpr std::string_view kAcceptance = "CONNECTION_ACCEPTANCE";
constexpr std::string_view kToResponder = "ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER";
constexpr std::string_view kCandidate =
    R"(,"candidate":{"sdp":"candidate:1 1 udp 1 192.0.2.2 9 typ host","sdpMid":"0"}})";

class NotesTest : public ::testing::Test {
 protected:
  explicit NotesTest(Policy policy = {}) : harness(policy) {}

  static std::string payload(std::string_view from, std::string_view to,
                             std::string_view rest = "}") {
    std::string text = R"({"from":")";
    text.append(from).append(R"(","to":")").append(to).append(R"(","sessionId":"s")");
    return text.append(rest);
  }
  /// What the node is answered.
  std::vector<std::string> say(Node& node, std::string_view name, std::string_view text) {
    harness.say(node, event(name, text, "1"));
    harness.run_iteration();
    return harness.sent(node);
  }
  std::vector<Record> all() { return harness.shared.negotiations->newest({}, 100, harness.now); }
  Record only() {
    const auto records = all();
    EXPECT_THAT(records, SizeIs(1));
    return records.at(0);
  }
  std::uint64_t value(Counter counter) { return harness.counters.value(counter); }
  /// A message of another instance for bob.
  void deliver(std::string_view name, std::string_view text) { deliver_body(event(name, text)); }
  void deliver_body(const std::string& body) {
    const crolang_registry_events events = registry_events(harness.shared);
    const auto lease = lease_of("bob", bob.token(), bob.handle());
    events.on_message(
        events.ctx, {{lease.id.data(), lease.id.size()}, lease.token, lease.session, lease.worker},
        {body.data(), body.size()}, [](void*, crolang_status, bool, crolang_str) {}, nullptr);
  }

  Harness harness;
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
};

TEST_F(NotesTest, NoteANegotiation) {
  say(ann, kAttempt, payload("ann", "bob"));
  harness.pass(2s);
  say(bob, kAcceptance, payload("bob", "ann"));
  say(ann, kToResponder, payload("ann", "bob", kCandidate));

  const Record record = only();
  EXPECT_EQ(record.initiator(), "ann");
  EXPECT_EQ(record.responder(), "bob");
  EXPECT_EQ(record.session(), "s");
  EXPECT_EQ(record.state, State::answered);
  EXPECT_EQ(record.attempt_ack, negotiation::Ack::ok);
  EXPECT_EQ(record.answer_ack, negotiation::Ack::ok);
  EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::host), 1);
  // What the friendly module gives.
  EXPECT_TRUE(record.party(Side::initiator).servers.known);
  EXPECT_EQ(record.event_count, 3);

  EXPECT_EQ(value(Counter::negotiations_answered), 1u);
  EXPECT_EQ(value(Counter::candidates_host), 1u);
  EXPECT_EQ(harness.counters.histogram(Latency::negotiation_answer).counts().sum, 2s);
}

TEST_F(NotesTest, CountWhyAnAttemptWasNotDelivered) {
  say(ann, kAttempt, payload("ann", "nobody"));
  EXPECT_EQ(only().state, State::not_connected);
  EXPECT_EQ(value(Counter::negotiations_not_connected), 1u);

  harness.modules.on(Question::authorize, [](const testing::Asked& asked) { asked.no("because"); });
  say(ann, kAttempt, payload("ann", "bob"));
  EXPECT_EQ(value(Counter::negotiations_unauthorized), 1u);
  EXPECT_EQ(all().front().state, State::unauthorized);

  harness.modules.on(Question::authorize,
                     [](const testing::Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  say(ann, kAttempt, payload("ann", "bob", R"(,"sessionId":"t"})"));
  EXPECT_EQ(value(Counter::negotiations_failed), 1u);
  EXPECT_EQ(all().front().failure, "authorization is not available");
}

TEST_F(NotesTest, NoteNothingThatIsForged) {
  say(ann, kAttempt, payload("bob", "ann"));
  EXPECT_THAT(all(), IsEmpty());
  say(ann, kAttempt, R"({"to":"bob"})");
  EXPECT_EQ(only().initiator(), "ann");
  EXPECT_EQ(only().session(), "");
}

TEST_F(NotesTest, TakeASessionIdOfAnyType) {
  say(ann, kAttempt, R"({"to":"bob","sessionId":17})");
  EXPECT_EQ(only().session(), "17");
}

TEST_F(NotesTest, CountAnAttemptThatNobodyAnswers) {
  say(ann, kAttempt, payload("ann", "bob"));
  EXPECT_LE(harness.deadline(), harness.now + 30s);
  harness.pass(31s);
  harness.run_iteration();
  EXPECT_EQ(value(Counter::negotiations_unanswered), 1u);
  EXPECT_EQ(only().state, State::unanswered);
}

TEST_F(NotesTest, NoteWhatOtherInstancesDeliver) {
  deliver(kAttempt, payload("zoe", "bob"));
  EXPECT_EQ(only().initiator(), "zoe");
  EXPECT_EQ(only().attempt_ack, negotiation::Ack::ok);
  EXPECT_FALSE(only().party(Side::initiator).servers.known);
  EXPECT_TRUE(only().party(Side::initiator).is_kept_elsewhere);
  // Its own instance keeps its candidates.
  deliver(kToResponder, payload("zoe", "bob", kCandidate));
  EXPECT_TRUE(only().party(Side::initiator).candidates.none());
  EXPECT_EQ(only().event_count, 1);
  // It is counted where zoe is.
  say(bob, kAcceptance, payload("bob", "zoe"));
  EXPECT_EQ(only().state, State::answered);
  EXPECT_EQ(value(Counter::negotiations_answered), 0u);
  EXPECT_EQ(value(Counter::candidates_host), 0u);
  EXPECT_EQ(harness.shared.counters.value(Counter::candidates_host), 0u);
}

TEST_F(NotesTest, TakeTheNamesThatStandBeforeAnEvent) {
  const std::string text = payload("ann", "bob");
  deliver_body("N00030002zoes1" + event(kAttempt, text));
  EXPECT_EQ(only().initiator(), "zoe");
  EXPECT_EQ(only().responder(), "bob");
  EXPECT_EQ(only().session(), "s1");
  EXPECT_THAT(harness.sent(bob), ElementsAre(event(kAttempt, text)));
}

TEST_F(NotesTest, KeepAllOfAMessageThatItsOwnInstanceDoesNot) {
  deliver(kAttempt, payload("zoe", "bob"));
  deliver_body("W" + event(kToResponder, payload("zoe", "bob", kCandidate)));
  EXPECT_EQ(only().party(Side::initiator).candidates.of(CandidateType::host), 1);
  EXPECT_TRUE(only().party(Side::initiator).is_kept_here);
  EXPECT_EQ(only().event_count, 2);
  EXPECT_THAT(harness.sent(bob),
              ElementsAre(event(kAttempt, payload("zoe", "bob")),
                          event(kToResponder, payload("zoe", "bob", kCandidate))));
  // It is counted nowhere, as its negotiation is not known where zoe is.
  EXPECT_EQ(harness.shared.counters.value(Counter::candidates_host), 0u);
}

TEST_F(NotesTest, NoteNoDeliveryThatDoesNotSayWhoSentIt) {
  deliver(kAttempt, R"({"to":"bob","sessionId":"s"})");
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(NotesTest, NoteWhatIsAcknowledgedByAReceipt) {
  harness.modules.on(Question::lookup, [](const testing::Asked& asked) {
    asked.located({Holder{"elsewhere", 4711}});
  });
  harness.modules.on(Question::send, [](const testing::Asked& asked) { asked.yes(); });
  // Where the receiver is is known then.
  say(ann, kAttempt, payload("ann", "zoe"));
  harness.modules.keep(Question::send);
  harness.sleeps = true;
  EXPECT_THAT(say(ann, kToResponder, payload("ann", "zoe", kCandidate)), IsEmpty());
  EXPECT_EQ(only().events[1].ack, negotiation::Ack::pending);
  harness.modules.last(Question::send).yes();
  EXPECT_THAT(harness.sent(ann), ElementsAre(R"(431["OK"])"));
  EXPECT_EQ(only().events[1].ack, negotiation::Ack::ok);
}

/// No module is asked about candidates.
class StraightNotesTest : public NotesTest {
 protected:
  StraightNotesTest() : NotesTest({.authorization_scope = Policy::Scope::initiation}) {}
};

TEST_F(StraightNotesTest, AllocateNothingOnceANegotiationHasBegun) {
  say(ann, kAttempt, payload("ann", "bob"));
  const std::string candidate = event(kToResponder, payload("ann", "bob", kCandidate), "1");
  std::size_t made = 0;
  for (int i = 0; i < 100; ++i) {
    std::string frame = websocket::testing::text(candidate);
    harness.sent(ann);
    harness.sent(bob);
    harness.broker.context().dirty.outboxes.clear();
    const std::size_t before = websocket::testing::allocations.made;
    ann.receive(harness.broker.context(), frame, harness.now);
    made = websocket::testing::allocations.made - before;
  }
  EXPECT_EQ(made, 0u);
  EXPECT_EQ(only().party(Side::initiator).candidates.of(CandidateType::host), 100);
}

class NoNotesTest : public NotesTest {
 protected:
  NoNotesTest() : NotesTest({.negotiation_insight = false}) {}
};

TEST_F(NoNotesTest, AreTakenWithoutInsight) {
  EXPECT_FALSE(harness.shared.negotiations);
  EXPECT_THAT(say(ann, kAttempt, payload("ann", "bob")), ElementsAre(R"(431["OK"])"));
  deliver(kAttempt, payload("zoe", "bob"));
  EXPECT_FALSE(ann.ice_servers().known);
  EXPECT_EQ(value(Counter::negotiations_answered), 0u);
}

}  // namespace
}  // namespace crolang::broker
