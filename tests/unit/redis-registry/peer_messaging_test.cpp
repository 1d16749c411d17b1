#include "redis-registry/peer_messaging.hpp"

#include <gmock/gmock.h>

#include <crolang/testing/contract.hpp>
#include <optional>
#include <string>

namespace crolang::redis_registry {
namespace {

using plugin::testing::Outcome;
using plugin::testing::Question;
using plugin::testing::Questions;
using std::chrono::milliseconds;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::uint32_t kDeadline = 10'000;

class PeerMessagingTest : public ::testing::Test {
 protected:
  Question& send(const std::string& instance, std::string body = "42[]", std::uint64_t token = 7) {
    Question& question = questions_.next();
    peers_.send({instance, OwnedLease({"bob", token}), std::move(body),
                 plugin::YesNo(&Question::yes_no, &question, kDeadline)},
                now_);
    return question;
  }

  Question& probe(milliseconds timeout) {
    Question& question = questions_.next();
    peers_.probe({OwnedLease({"bob", 7}), "there", timeout,
                  plugin::Probed(&Question::probed, &question, kDeadline)},
                 now_);
    return question;
  }

  Question& ask(const std::string& instance, std::string body = "status",
                std::uint32_t deadline = kDeadline) {
    Question& question = questions_.next();
    peers_.ask({instance, std::move(body), plugin::Text(&Question::text, &question, deadline)},
               now_);
    return question;
  }

  void reply(std::uint64_t request, const std::string& instance = "there") {
    peers_.answer({std::make_shared<const std::string>(instance), ReplyRecord{request}}, now_);
  }

  /// Messages to "there" have been this far apart for a while, the last one has just gone.
  void talk(TimePoint::duration apart) {
    for (int n = 0; n < 100; ++n) {
      now_ += apart;
      send("there");
      peers_.take_due(now_);
    }
  }

  std::size_t due() { return peers_.take_due(now_).size(); }

  static std::optional<Outcome> answer(const Question& question) {
    return question.wait(milliseconds(0));
  }
  static crolang_status status(const Question& question) {
    const auto outcome = answer(question);
    return outcome ? outcome->status : -1;
  }

  TimePoint now_ = kStart;
  Questions questions_;
  PeerMessaging peers_{"here"};
};

TEST_F(PeerMessagingTest, GathersWhatIsForOneBrokerInOneBatch) {
  send("there", "one");
  send("elsewhere", "two");
  send("there", "three");
  auto batches = peers_.take_all();
  std::ranges::sort(batches, {}, &PeerMessaging::Batch::instance);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].instance, "elsewhere");
  EXPECT_EQ(batches[1].instance, "there");
  BatchReader reader(batches[1].bytes);
  EXPECT_EQ(reader.sender(), "here");
  EXPECT_EQ(std::get<MessageRecord>(*reader.next()).body, "one");
  EXPECT_EQ(std::get<MessageRecord>(*reader.next()).body, "three");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(batches[1].requests.size(), 2u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, HasNothingToSendTwice) {
  send("there");
  EXPECT_EQ(peers_.take_all().size(), 1u);
  EXPECT_TRUE(peers_.take_all().empty());
  peers_.cancel();
}

TEST_F(PeerMessagingTest, ClosesAFullBatch) {
  send("there", std::string(kFullBatch, 'x'));
  send("there", "next");
  EXPECT_EQ(peers_.take_full().size(), 1u);
  EXPECT_EQ(peers_.take_all().size(), 1u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, RemembersABoundedNumberOfThoseWhoAskItSomething) {
  for (std::size_t n = 0; n < kMaxPeers + 10; ++n) reply(n, std::to_string(n));
  EXPECT_EQ(peers_.peers(), kMaxPeers);
  reply(1, "0");
  EXPECT_EQ(peers_.take_all().size(), kMaxPeers) << "those it knows are still answered";
}

TEST_F(PeerMessagingTest, PassesOnWhatBecameOfAMessage) {
  const Question& taken = send("there");
  const Question& refused = send("there");
  const Question& cannot_accept = send("there");
  peers_.on_reply({3, redis_registry::Outcome::cannot_accept});
  peers_.on_reply({1, redis_registry::Outcome::taken});
  peers_.on_reply({2, redis_registry::Outcome::refused});
  EXPECT_TRUE(answer(taken)->yes);
  EXPECT_FALSE(answer(refused)->yes);
  EXPECT_EQ(status(refused), CROLANG_OK);
  EXPECT_EQ(status(cannot_accept), CROLANG_UNAVAILABLE);
}

TEST_F(PeerMessagingTest, IgnoresRepliesThatNobodyWaitsFor) {
  const Question& question = send("there");
  peers_.on_reply({99, redis_registry::Outcome::taken});
  EXPECT_FALSE(answer(question));
  peers_.on_reply({1, redis_registry::Outcome::taken});
  peers_.on_reply({1, redis_registry::Outcome::refused});
  peers_.on_probed({1, CROLANG_ALIVE});
  EXPECT_EQ(question.answers(), 1);
}

TEST_F(PeerMessagingTest, PassesOnAProbeResult) {
  const Question& question = probe(milliseconds(1500));
  peers_.on_probed({1, CROLANG_YIELDED});
  EXPECT_EQ(answer(question)->code, CROLANG_YIELDED);
}

TEST_F(PeerMessagingTest, DoesNotKnowWhatBecameOfAMessageAfterThreeSeconds) {
  const Question& question = send("there");
  peers_.tick(kStart + milliseconds(2999));
  EXPECT_FALSE(answer(question));
  peers_.tick(kStart + milliseconds(3000));
  EXPECT_EQ(status(question), CROLANG_TIMEOUT);
}

TEST_F(PeerMessagingTest, FindsAHolderUnreachableAHalfSecondAfterTheProbesTime) {
  const Question& question = probe(milliseconds(1500));
  peers_.tick(kStart + milliseconds(1999));
  EXPECT_FALSE(answer(question));
  peers_.tick(kStart + milliseconds(2000));
  EXPECT_EQ(answer(question)->code, CROLANG_UNREACHABLE);
}

TEST_F(PeerMessagingTest, CallsAReceiverGoneOnlyIfItsLeaseIs) {
  const Question& stands = send("there");
  const Question& gone = send("there");
  const Question& unreachable = probe(milliseconds(1500));
  const Question& absent = probe(milliseconds(1500));
  peers_.on_no_subscriber(1, true);
  peers_.on_no_subscriber(2, false);
  peers_.on_no_subscriber(3, true);
  peers_.on_no_subscriber(4, false);
  EXPECT_EQ(status(stands), CROLANG_UNAVAILABLE);
  EXPECT_EQ(status(gone), CROLANG_OK);
  EXPECT_FALSE(answer(gone)->yes);
  EXPECT_EQ(answer(unreachable)->code, CROLANG_UNREACHABLE);
  EXPECT_EQ(answer(absent)->code, CROLANG_GONE);
}

TEST_F(PeerMessagingTest, KnowsWhomAnOpenRequestIsFor) {
  send("there");
  ASSERT_NE(peers_.receiver(1), nullptr);
  EXPECT_EQ(peers_.receiver(1)->id, "bob");
  peers_.on_reply({1, redis_registry::Outcome::taken});
  EXPECT_EQ(peers_.receiver(1), nullptr);
}

TEST_F(PeerMessagingTest, FailsWhatRedisRefused) {
  const Question& message = send("there");
  const Question& asked = probe(milliseconds(1500));
  for (const auto& batch : peers_.take_all()) peers_.on_refused(batch);
  EXPECT_EQ(status(message), CROLANG_UNAVAILABLE);
  EXPECT_EQ(answer(asked)->code, CROLANG_UNREACHABLE);
}

TEST_F(PeerMessagingTest, DistinguishesWhatWasInFlightFromWhatWasNot) {
  const Question& sent = send("there");
  peers_.take_all();
  const Question& not_sent = send("there");
  peers_.on_connection_lost();
  EXPECT_EQ(status(sent), CROLANG_TIMEOUT);
  EXPECT_EQ(status(not_sent), CROLANG_UNAVAILABLE);
  EXPECT_TRUE(peers_.take_all().empty());
}

TEST_F(PeerMessagingTest, LosesWithOneConnectionOnlyWhatWasSentByIt) {
  const Question& message = send("there");
  const Question& probed = probe(milliseconds(100));
  const auto batches = peers_.take_all();
  ASSERT_EQ(batches.size(), 1U);
  const Question& other = send("elsewhere");
  peers_.take_all();
  peers_.on_lost(batches.front());
  EXPECT_EQ(status(message), CROLANG_TIMEOUT);
  EXPECT_EQ(answer(probed)->code, CROLANG_UNREACHABLE);
  EXPECT_FALSE(answer(other));
}

TEST_F(PeerMessagingTest, RefusesMoreThanABrokerCanBeBehind) {
  const std::string megabyte(std::size_t{1} << 20, 'x');
  for (std::size_t sent = 0; sent < kMaxOpenBytes; sent += megabyte.size()) {
    EXPECT_FALSE(answer(send("there", megabyte)));
  }
  EXPECT_EQ(status(send("there")), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(answer(send("elsewhere")));
  peers_.on_reply({1, redis_registry::Outcome::taken});
  EXPECT_FALSE(answer(send("there")));
  peers_.cancel();
}

TEST_F(PeerMessagingTest, TakesEmptyMessages) {
  const Question& first = send("there", "");
  const Question& second = send("there", "");
  peers_.on_reply({1, redis_registry::Outcome::taken});
  peers_.on_reply({2, redis_registry::Outcome::taken});
  EXPECT_TRUE(answer(first)->yes);
  EXPECT_TRUE(answer(second)->yes);
}

TEST_F(PeerMessagingTest, CancelsEverything) {
  const Question& message = send("there");
  const Question& asked = probe(milliseconds(1500));
  peers_.cancel();
  EXPECT_EQ(status(message), CROLANG_CANCELLED);
  EXPECT_EQ(status(asked), CROLANG_CANCELLED);
}

TEST_F(PeerMessagingTest, CarriesAnswersToOthers) {
  peers_.answer({std::make_shared<const std::string>("there"), ProbeResultRecord{4, CROLANG_GONE}},
                now_);
  const auto batches = peers_.take_all();
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  EXPECT_EQ(std::get<ProbeResultRecord>(*reader.next()).request, 4u);
  EXPECT_TRUE(batches[0].requests.empty());
}

// ---- Delayed replies

TEST_F(PeerMessagingTest, SendsAReplyAtOnceWhereNothingIsSent) {
  reply(1);
  EXPECT_EQ(due(), 1u);
  EXPECT_EQ(peers_.due(), TimePoint::max());
}

TEST_F(PeerMessagingTest, SendsAReplyAtOnceWhereMessagesAreRare) {
  talk(kReplyDelay + milliseconds(1));
  reply(1);
  EXPECT_EQ(due(), 1u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, LetsAReplyGoWithTheNextMessage) {
  talk(milliseconds(1));
  reply(1);
  EXPECT_EQ(due(), 0u);
  EXPECT_EQ(peers_.due(), now_ + kReplyDelay);
  now_ += milliseconds(1);
  reply(2);
  EXPECT_EQ(due(), 0u);
  send("there");
  const auto batches = peers_.take_due(now_);
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  EXPECT_EQ(std::get<ReplyRecord>(*reader.next()).request, 1u);
  EXPECT_EQ(std::get<ReplyRecord>(*reader.next()).request, 2u);
  EXPECT_TRUE(std::holds_alternative<MessageRecord>(*reader.next()));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(peers_.due(), TimePoint::max());
  // It was not in vain.
  reply(3);
  EXPECT_EQ(due(), 0u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, DelaysAReplyForAMomentOnly) {
  talk(milliseconds(1));
  reply(1);
  now_ += kReplyDelay - std::chrono::microseconds(1);
  EXPECT_EQ(due(), 0u);
  now_ += std::chrono::microseconds(1);
  EXPECT_EQ(due(), 1u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, DelaysNoReplyForAWhileAfterADelayInVain) {
  talk(milliseconds(1));
  reply(1);
  now_ += kReplyDelay;
  EXPECT_EQ(due(), 1u);
  talk(std::chrono::microseconds(90));
  reply(2);
  EXPECT_EQ(due(), 1u);
  talk(milliseconds(1));
  reply(3);
  EXPECT_EQ(due(), 0u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, DelaysNoReplyToABrokerThatHasStoppedSending) {
  talk(milliseconds(1));
  now_ += kReplyDelay;
  reply(1);
  EXPECT_EQ(due(), 1u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, DelaysNothingElse) {
  talk(milliseconds(1));
  probe(milliseconds(1500));
  EXPECT_EQ(due(), 1u);
  reply(1);
  peers_.answer({std::make_shared<const std::string>("there"), ProbeResultRecord{4, CROLANG_GONE}},
                now_);
  EXPECT_EQ(due(), 1u);
  reply(2, "elsewhere");
  EXPECT_EQ(due(), 1u);
  reply(3);
  EXPECT_EQ(peers_.take_all().size(), 1u);
  peers_.cancel();
}

TEST_F(PeerMessagingTest, DropsWaitingRepliesWithTheConnectionToRedis) {
  talk(milliseconds(1));
  reply(1);
  EXPECT_EQ(due(), 0u);
  peers_.on_connection_lost();
  EXPECT_EQ(peers_.due(), TimePoint::max());
  send("there");
  const auto batches = peers_.take_due(now_);
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  EXPECT_TRUE(std::holds_alternative<MessageRecord>(*reader.next()));
  EXPECT_FALSE(reader.next());
  peers_.cancel();
}

TEST_F(PeerMessagingTest, RemovesBrokersThatNothingIsSentToAnyMore) {
  const Question& question = send("there");
  send("elsewhere");
  reply(1, "third");
  peers_.take_all();
  peers_.on_reply({1, redis_registry::Outcome::taken});
  EXPECT_TRUE(answer(question)->yes);
  EXPECT_EQ(peers_.peers(), 3u);
  peers_.tick(now_ + milliseconds(999));
  EXPECT_EQ(peers_.peers(), 2u);
  peers_.tick(now_ + milliseconds(1000));
  // One message is still open.
  EXPECT_EQ(peers_.peers(), 1u);
  peers_.cancel();
}

// ---- Questions ----------------------------------------------------------------------------------

TEST_F(PeerMessagingTest, PassesOnTheAnswerToAQuestion) {
  const Question& first = ask("there", "one");
  const Question& second = ask("there", "two");
  const auto batches = peers_.take_all();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].requests.size(), 2u);
  BatchReader reader(batches[0].bytes);
  const auto asked = std::get<QuestionRecord>(*reader.next());
  EXPECT_EQ(asked.body, "one");
  EXPECT_EQ(asked.timeout_ms, kDeadline);
  peers_.on_answer({2, plugin::Status::ok, "2"});
  peers_.on_answer({1, plugin::Status::invalid, "unknown question"});
  EXPECT_EQ(answer(second)->text, "2");
  EXPECT_EQ(answer(second)->error, "");
  EXPECT_EQ(status(first), CROLANG_INVALID);
  EXPECT_EQ(answer(first)->error, "unknown question");
}

TEST_F(PeerMessagingTest, IgnoresAnAnswerOfAnotherKindOrASecondOne) {
  const Question& question = ask("there");
  const Question& message = send("there");
  peers_.on_answer({2, plugin::Status::ok, "x"});
  peers_.on_reply({1, redis_registry::Outcome::taken});
  peers_.on_probed({1, CROLANG_ALIVE});
  EXPECT_FALSE(answer(question));
  EXPECT_FALSE(answer(message));
  peers_.on_answer({1, plugin::Status::ok, "x"});
  peers_.on_answer({1, plugin::Status::ok, "y"});
  EXPECT_EQ(answer(question)->text, "x");
  peers_.cancel();
}

TEST_F(PeerMessagingTest, GivesAQuestionUpBeforeTheBrokerDoes) {
  const Question& question = ask("there");
  peers_.tick(now_ + milliseconds(kDeadline - 201));
  EXPECT_FALSE(answer(question));
  peers_.tick(now_ + milliseconds(kDeadline - 200));
  EXPECT_EQ(status(question), CROLANG_TIMEOUT);
  peers_.on_answer({1, plugin::Status::ok, "late"});
}

TEST_F(PeerMessagingTest, LeavesAShortQuestionHalfOfItsTime) {
  const Question& question = ask("there", "status", 100);
  peers_.tick(now_ + milliseconds(49));
  EXPECT_FALSE(answer(question));
  peers_.tick(now_ + milliseconds(50));
  EXPECT_EQ(status(question), CROLANG_TIMEOUT);
}

TEST_F(PeerMessagingTest, AnswersAQuestionThatReachedNobody) {
  const Question& question = ask("there");
  const Question& message = send("there");
  for (const auto& batch : peers_.take_all()) peers_.on_questions_without_subscriber(batch);
  EXPECT_EQ(status(question), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(answer(message)) << "its lease has to be looked at first";
  peers_.cancel();
}

TEST_F(PeerMessagingTest, AnswersAQuestionThatRedisRefuses) {
  const Question& question = ask("there");
  for (const auto& batch : peers_.take_all()) peers_.on_refused(batch);
  EXPECT_EQ(status(question), CROLANG_UNAVAILABLE);
}

TEST_F(PeerMessagingTest, AnswersQuestionsWhoseConnectionIsLost) {
  const Question& sent = ask("there");
  peers_.take_all();
  const Question& kept = ask("there");
  peers_.on_connection_lost();
  EXPECT_EQ(status(sent), CROLANG_TIMEOUT) << "it may have been answered";
  EXPECT_EQ(status(kept), CROLANG_UNAVAILABLE) << "it was never sent";
  const Question& open = ask("there");
  peers_.cancel();
  EXPECT_EQ(status(open), CROLANG_CANCELLED);
}

TEST_F(PeerMessagingTest, BoundsWhatAQuestionMayHave) {
  EXPECT_EQ(status(ask("there", std::string(CROLANG_MAX_ASK + 1, 'x'))), CROLANG_INVALID);
  EXPECT_TRUE(peers_.take_all().empty());
}

TEST_F(PeerMessagingTest, BoundsHowFarAheadItAsks) {
  std::size_t taken = 0;
  while (status(ask("there", std::string(CROLANG_MAX_ASK, 'x'))) == -1) ++taken;
  EXPECT_EQ(taken, kMaxOpenBytes / CROLANG_MAX_ASK);
  const Question& elsewhere = ask("elsewhere");
  EXPECT_FALSE(answer(elsewhere));
  // Who answers may be asked again.
  peers_.on_answer({1, plugin::Status::ok, ""});
  EXPECT_FALSE(answer(ask("there")));
  peers_.cancel();
}

TEST_F(PeerMessagingTest, SendsAnAnswerAtOnce) {
  peers_.answer(
      {std::make_shared<const std::string>("there"), OwnedAnswer{9, plugin::Status::ok, "answer"}},
      now_);
  const auto batches = peers_.take_due(now_);
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  const auto sent = std::get<AnswerRecord>(*reader.next());
  EXPECT_EQ(sent.request, 9u);
  EXPECT_EQ(sent.text, "answer");
  EXPECT_TRUE(batches[0].requests.empty());
}

}  // namespace
}  // namespace crolang::redis_registry
