#include "negotiation/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace crolang::negotiation {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const TimePoint kStart{100h};

class TableTest : public ::testing::Test {
 protected:
  Table::Noted note(MessageKind kind, Side from, std::chrono::milliseconds after = 0ms,
                    std::string_view session = "s") {
    Message message = message_of(kind, from, session);
    message.at = kStart + after;
    return table.note(message);
  }
  Message message_of(MessageKind kind, Side from, std::string_view session = "s") {
    Message message;
    message.kind = kind;
    message.from = from;
    message.initiator = "alice";
    message.responder = "bob";
    message.session = session;
    message.sender_is_local = true;
    message.at = kStart;
    return message;
  }
  Ticket attempt(std::string_view session = "s", std::chrono::milliseconds after = 0ms) {
    return note(MessageKind::attempt, Side::initiator, after, session).ticket;
  }
  Record only(TimePoint now = kStart) {
    const auto records = table.newest({}, 10, now);
    EXPECT_THAT(records, SizeIs(1));
    return records.at(0);
  }
  std::vector<std::string> sessions(const Table::Filter& filter, std::size_t limit = 1000,
                                    TimePoint now = kStart) {
    std::vector<std::string> found;
    for (const Record& each : table.newest(filter, limit, now)) {
      found.emplace_back(each.session());
    }
    return found;
  }

  Table table;
};

TEST_F(TableTest, KeepsWhatPassesBetweenTwoNodes) {
  const Ticket first = attempt();
  table.acknowledge(first, {Ack::ok});
  table.acknowledge(note(MessageKind::acceptance, Side::responder, 250ms).ticket, {Ack::ok});
  Message candidates = message_of(MessageKind::candidates, Side::responder);
  add_candidates(candidates.candidates, R"("candidate:1 1 udp 1 192.0.2.2 9 typ host")");
  candidates.servers = {.known = true, .stun = true};
  candidates.at = kStart + 300ms;
  table.note(candidates);

  const Record record = only();
  EXPECT_EQ(record.initiator(), "alice");
  EXPECT_EQ(record.responder(), "bob");
  EXPECT_EQ(record.session(), "s");
  EXPECT_EQ(record.state, State::answered);
  EXPECT_EQ(record.answered_after, 250ms);
  EXPECT_EQ(record.attempt_ack, Ack::ok);
  EXPECT_EQ(record.last_message, kStart + 300ms);
  EXPECT_EQ(record.party(Side::responder).candidates.of(CandidateType::host), 1);
  EXPECT_TRUE(record.party(Side::responder).servers.stun);
  EXPECT_TRUE(record.party(Side::initiator).candidates.none());
  ASSERT_EQ(record.event_count, 3);
  EXPECT_EQ(record.events[1].kind, MessageKind::acceptance);
  EXPECT_EQ(record.events[1].from, Side::responder);
  EXPECT_EQ(record.events[1].milliseconds, 250u);
  EXPECT_EQ(record.events[1].ack, Ack::ok);
  EXPECT_EQ(record.events[2].ack, Ack::pending);
}

TEST_F(TableTest, ReportsEachChangeOfState) {
  auto change = note(MessageKind::attempt, Side::initiator).change;
  ASSERT_TRUE(change);
  EXPECT_EQ(change->state, State::attempting);
  EXPECT_FALSE(change->is_outcome);
  change = note(MessageKind::acceptance, Side::responder, 3s).change;
  ASSERT_TRUE(change);
  EXPECT_EQ(change->state, State::answered);
  EXPECT_TRUE(change->is_outcome);
  EXPECT_EQ(change->answered_after, 3000ms);
  EXPECT_FALSE(note(MessageKind::acceptance, Side::responder, 4s).change);
  EXPECT_FALSE(note(MessageKind::refusal, Side::responder, 5s).change);
  EXPECT_EQ(only().state, State::answered);
}

TEST_F(TableTest, KnowsARefusalFromARuleToTakeNoConnections) {
  attempt("1");
  attempt("2");
  EXPECT_EQ(note(MessageKind::refusal, Side::responder, 1s, "1").change->state, State::refused);
  EXPECT_EQ(note(MessageKind::not_allowed, Side::responder, 1s, "2").change->state,
            State::not_allowed);
}

TEST_F(TableTest, TakesTheStateFromTheAcknowledgementOfTheAttempt) {
  for (const auto& [ack, state] :
       {std::pair{Ack::not_connected, State::not_connected},
        std::pair{Ack::unauthorized, State::unauthorized}, std::pair{Ack::error, State::failed}}) {
    const auto change = table.acknowledge(attempt(name_of(ack)), {ack, "because"});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->state, state);
    EXPECT_TRUE(change->is_outcome);
  }
  EXPECT_EQ(table.newest({}, 1, kStart).front().failure, "because");
}

TEST_F(TableTest, CountsCandidatesThatWereNotDelivered) {
  attempt();
  table.acknowledge(note(MessageKind::candidates, Side::initiator).ticket, {Ack::not_connected});
  table.acknowledge(note(MessageKind::candidates, Side::initiator).ticket, {Ack::ok});
  EXPECT_EQ(only().party(Side::initiator).lost, 1);
  EXPECT_EQ(only().party(Side::initiator).last_loss, Ack::not_connected);
}

TEST_F(TableTest, IgnoresWhatDoesNotBeginWithAnAttempt) {
  EXPECT_FALSE(note(MessageKind::acceptance, Side::responder).ticket.is_valid());
  EXPECT_FALSE(note(MessageKind::candidates, Side::initiator).ticket.is_valid());
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(TableTest, KeepsNegotiationsApart) {
  attempt("1");
  attempt("2");
  Message back = message_of(MessageKind::attempt, Side::initiator, "1");
  std::swap(back.initiator, back.responder);
  table.note(back);
  EXPECT_EQ(table.size(), 3u);
  note(MessageKind::refusal, Side::responder, 1s, "1");
  EXPECT_THAT(sessions({.state = State::refused}), ElementsAre("1"));
}

TEST_F(TableTest, BeginsAnotherOnceTheFirstIsOver) {
  attempt();
  attempt("s", 1s);
  EXPECT_EQ(table.size(), 1u);
  note(MessageKind::refusal, Side::responder, 2s);
  attempt("s", 3s);
  EXPECT_EQ(table.size(), 2u);
  note(MessageKind::acceptance, Side::responder, 4s);
  const auto records = table.newest({}, 10, kStart);
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].state, State::answered);
  EXPECT_EQ(records[0].answered_after, 1000ms);
  EXPECT_EQ(records[1].state, State::refused);
}

TEST_F(TableTest, CountsANegotiationOnlyWhereItsInitiatorIs) {
  Message message = message_of(MessageKind::attempt, Side::initiator);
  message.sender_is_local = false;
  table.note(message);
  const auto change = note(MessageKind::acceptance, Side::responder, 1s).change;
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->is_outcome);
  EXPECT_FALSE(change->initiator_is_local);
}

TEST_F(TableTest, ClassifiesAttemptsThatNobodyAnswers) {
  attempt();
  EXPECT_LE(table.sweep_due(), kStart + 30s);
  EXPECT_THAT(table.sweep(kStart + 29s), IsEmpty());
  const auto changes = table.sweep(kStart + 31s);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].state, State::unanswered);
  EXPECT_TRUE(changes[0].is_outcome);
  EXPECT_THAT(table.sweep(kStart + 33s), IsEmpty());
  // A late answer is one, but it is not counted again.
  const auto late = note(MessageKind::acceptance, Side::responder, 40s).change;
  ASSERT_TRUE(late);
  EXPECT_EQ(late->state, State::answered);
  EXPECT_FALSE(late->is_outcome);
}

TEST_F(TableTest, ForgetsAfterAWhileAndIsNotSweptThenAnyMore) {
  EXPECT_EQ(table.sweep_due(), TimePoint::max());
  const Ticket ticket = attempt();
  const std::uint64_t number = only().number;
  const TimePoint late = kStart + kRetention;
  EXPECT_TRUE(table.find(number, late - 1s));
  EXPECT_FALSE(table.find(number, late));
  EXPECT_THAT(sessions({}, 10, late), IsEmpty());
  for (TimePoint now = table.sweep_due(); now <= late + 2s; now += 1s) table.sweep(now);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.sweep_due(), TimePoint::max());
  EXPECT_FALSE(table.acknowledge(ticket, {Ack::error, "late"}));
  attempt("other");
  EXPECT_EQ(table.size(), 1u);
}

TEST_F(TableTest, KeepsTheNewest) {
  constexpr int kMany = 40'000;
  for (int i = 0; i < kMany; ++i) attempt(std::to_string(i));
  EXPECT_LE(table.size(), Table::kMaxRecords * 5 / 4);
  const auto found = sessions({}, kMany);
  ASSERT_THAT(found, SizeIs(Table::kMaxRecords));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i], std::to_string(kMany - 1 - static_cast<int>(i)));
  }
  // An old ticket finds nothing, least of all another negotiation.
  note(MessageKind::acceptance, Side::responder, 1s, "0");
  EXPECT_THAT(sessions({.state = State::answered}), IsEmpty());
}

TEST_F(TableTest, DoesNotAcknowledgeAnotherNegotiation) {
  const Ticket old = attempt("old");
  for (int i = 0; i < 20'000; ++i) attempt(std::to_string(i));
  EXPECT_FALSE(table.acknowledge(old, {Ack::error, "old"}));
  EXPECT_THAT(sessions({.state = State::failed}), IsEmpty());
}

TEST_F(TableTest, BoundsTheEventsOfANegotiation) {
  attempt();
  for (int i = 0; i < 100; ++i) {
    Message message = message_of(MessageKind::candidates, Side::initiator);
    add_candidates(message.candidates, R"("candidate:1 1 udp 1 192.0.2.2 9 typ host")");
    table.acknowledge(table.note(message).ticket, {Ack::not_connected});
  }
  const Record record = only();
  EXPECT_EQ(record.event_count, Record::kMaxEvents);
  EXPECT_EQ(record.events_left_out, 101 - Record::kMaxEvents);
  EXPECT_EQ(record.party(Side::initiator).candidates.of(CandidateType::host), 100);
  // The answer counts, though it is not among the events.
  note(MessageKind::acceptance, Side::responder, 5s);
  EXPECT_EQ(only().answered_after, 5000ms);
}

TEST_F(TableTest, KnowsWhatWasNotDeliveredOfEventsThatAreLeftOut) {
  attempt();
  for (int i = 0; i < 50; ++i) {
    table.acknowledge(note(MessageKind::candidates, Side::initiator).ticket, {Ack::ok});
  }
  table.acknowledge(note(MessageKind::acceptance, Side::responder).ticket, {Ack::not_connected});
  table.acknowledge(note(MessageKind::candidates, Side::responder).ticket,
                    {Ack::error, "outbox full"});
  table.acknowledge(note(MessageKind::candidates, Side::initiator).ticket, {Ack::ok});
  const Record record = only();
  EXPECT_EQ(record.event_count, Record::kMaxEvents);
  EXPECT_EQ(record.answer_ack, Ack::not_connected);
  EXPECT_EQ(record.party(Side::responder).lost, 1);
  EXPECT_EQ(record.party(Side::responder).last_loss, Ack::error);
  EXPECT_EQ(record.party(Side::initiator).lost, 0);
  EXPECT_EQ(record.failure, "outbox full");
  EXPECT_EQ(record.attempt_ack, Ack::pending);
}

TEST_F(TableTest, TakesNoAnswerForEarlierThanItsAttempt) {
  attempt("s", 5ms);
  note(MessageKind::acceptance, Side::responder, 0ms);
  EXPECT_EQ(only().answered_after, 0ms);
}

TEST_F(TableTest, FindsTheRecordOfAChange) {
  for (int i = 0; i < 20; ++i) attempt(std::to_string(i));
  const auto answered = note(MessageKind::acceptance, Side::responder, 1s, "7").change;
  ASSERT_TRUE(answered);
  EXPECT_EQ(table.find(*answered)->session(), "7");
  const auto refused = table.acknowledge(attempt("other", 1s), {Ack::unauthorized});
  EXPECT_EQ(table.find(refused.value())->session(), "other");
  const auto unanswered = table.sweep(kStart + 31s);
  ASSERT_THAT(unanswered, SizeIs(19));
  for (const Change& each : unanswered) {
    EXPECT_EQ(table.find(each)->number, each.number);
  }
  for (int i = 0; i < 20'000; ++i) attempt("many-" + std::to_string(i));
  EXPECT_FALSE(table.find(*answered));
}

TEST_F(TableTest, FindsThoseOfANodeEvenIfItsIdIsLong) {
  const std::string long_id(5000, 'x');
  Message message = message_of(MessageKind::attempt, Side::initiator, "long");
  message.responder = long_id;
  table.note(message);
  attempt("short");
  EXPECT_THAT(sessions({.node = long_id}), ElementsAre("long"));
  EXPECT_THAT(sessions({.node = "bob"}), ElementsAre("short"));
  EXPECT_THAT(sessions({.node = "alice"}), ElementsAre("short", "long"));
  EXPECT_THAT(sessions({.node = "alice"}, 1), ElementsAre("short"));
  EXPECT_THAT(sessions({.node = "bo"}), IsEmpty());
}

TEST_F(TableTest, FindsARecordByItsNumber) {
  attempt("1");
  attempt("2");
  for (const Record& each : table.newest({}, 10, kStart)) {
    EXPECT_EQ(table.find(each.number, kStart)->session(), each.session());
  }
  EXPECT_FALSE(table.find(0, kStart));
  EXPECT_FALSE(table.find(123'456'789, kStart));
}

TEST_F(TableTest, IsWrittenAndReadByManyThreads) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this, t, &answered] {
      for (int i = 0; i < 3000; ++i) {
        const std::string session = std::to_string(t) + "-" + std::to_string(i);
        Message message = message_of(MessageKind::attempt, Side::initiator, session);
        table.acknowledge(table.note(message).ticket, {Ack::ok});
        message.kind = MessageKind::acceptance;
        message.from = Side::responder;
        const auto noted = table.note(message);
        if (noted.change && noted.change->is_outcome) ++answered;
        table.acknowledge(noted.ticket, {Ack::ok});
      }
    });
  }
  std::thread reader([&] {
    while (!stop) {
      for (const Record& each : table.newest({.node = "alice"}, 50, kStart)) {
        EXPECT_EQ(each.responder(), "bob");
      }
      table.sweep(kStart + 31s);
    }
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  reader.join();
  EXPECT_EQ(table.size(), 9000u);
  EXPECT_LE(answered.load(), 9000);
  EXPECT_THAT(sessions({.state = State::answered}, 20'000), SizeIs(9000));
}

TEST_F(TableTest, FindsTheRecordThatBeganClosestToATime) {
  const Table::Names names{"alice", "bob", "s"};
  EXPECT_FALSE(table.find(names, kStart, 10s, kStart));
  attempt();
  note(MessageKind::refusal, Side::responder, 1s);
  attempt("s", 4s);
  note(MessageKind::refusal, Side::responder, 5s);
  attempt("other", 9s);
  const auto began = [&](std::chrono::milliseconds after) -> std::optional<TimePoint> {
    const auto found = table.find(names, kStart + after, 10s, kStart + 5s);
    return found ? std::optional(found->record.started) : std::nullopt;
  };
  EXPECT_EQ(began(1s), kStart);
  EXPECT_EQ(began(3s), kStart + 4s);
  EXPECT_EQ(began(14s), kStart + 4s);
  EXPECT_EQ(began(-10s), kStart);
  EXPECT_EQ(began(15s), std::nullopt);
  EXPECT_EQ(began(-11s), std::nullopt);
  EXPECT_EQ(table.find(names, kStart, 10s, kStart + 5s)->to_next, 4s);
  EXPECT_EQ(table.find({"alice", "bob", "other"}, kStart + 9s, 10s, kStart + 9s)->to_next,
            std::nullopt);
  EXPECT_FALSE(table.find({"alice", "bob", "none"}, kStart, 10s, kStart));
  EXPECT_FALSE(table.find(names, kStart, 10s, kStart + 1h));
}

// The names of one must not be found by another's, whatever their sizes.
TEST_F(TableTest, KeepsNamesThatBeginOrEndAlikeApart) {
  const std::vector<std::string> names = {"s",     "s1",           "s10",  "1000",
                                          "10000", "alice-node-1", "node", "node1",
                                          "ss",    "sss",          "",     "alice-noy-node-1"};
  for (const std::string& name : names) {
    Message message = message_of(MessageKind::attempt, Side::initiator, name);
    EXPECT_TRUE(table.note(message).is_recorded);
    message.session = "s";
    message.initiator = name;
    table.note(message);
    message.initiator = "alice";
    message.responder = name;
    table.note(message);
  }
  // The session "s" of alice and bob is among them once.
  EXPECT_THAT(table.newest({}, 1000, kStart), SizeIs(3 * names.size()));
}

TEST_F(TableTest, TellsWhoKeepsAMessage) {
  attempt();
  EXPECT_TRUE(only().party(Side::initiator).is_kept_here);
  EXPECT_FALSE(only().party(Side::responder).is_kept_here);
  EXPECT_FALSE(only().party(Side::responder).is_kept_elsewhere);
  Message answer = message_of(MessageKind::acceptance, Side::responder);
  answer.sender_is_local = false;
  answer.is_copy = true;
  table.note(answer);
  EXPECT_TRUE(only().party(Side::responder).is_kept_elsewhere);
  EXPECT_FALSE(only().party(Side::responder).is_kept_here);
  EXPECT_FALSE(only().party(Side::initiator).is_kept_elsewhere);
}

}  // namespace
}  // namespace crolang::negotiation
