#include "redis-registry/exchange.hpp"

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

class ExchangeTest : public ::testing::Test {
 protected:
  Question& send(const std::string& instance, std::string body = "42[]", std::uint64_t token = 7) {
    Question& question = questions_.next();
    exchange_.send({instance, OwnedClaim({"bob", token}), std::move(body),
                    plugin::YesNo(&Question::yes_no, &question, kDeadline)},
                   now_);
    return question;
  }

  Question& probe(milliseconds timeout) {
    Question& question = questions_.next();
    exchange_.probe({OwnedClaim({"bob", 7}), "there", timeout,
                     plugin::Verdict(&Question::verdict, &question, kDeadline)},
                    now_);
    return question;
  }

  void reply(std::uint64_t request, const std::string& instance = "there") {
    exchange_.answer({std::make_shared<const std::string>(instance), ReplyRecord{request}}, now_);
  }

  /// Messages to "there" have been this far apart for a while, the last one has just gone.
  void talk(TimePoint::duration apart) {
    for (int n = 0; n < 100; ++n) {
      now_ += apart;
      send("there");
      exchange_.take_due(now_);
    }
  }

  std::size_t due() { return exchange_.take_due(now_).size(); }

  static std::optional<Outcome> answer(const Question& question) {
    return question.wait(milliseconds(0));
  }
  static crolang_status status(const Question& question) {
    const auto outcome = answer(question);
    return outcome ? outcome->status : -1;
  }

  TimePoint now_ = kStart;
  Questions questions_;
  Exchange exchange_{"here"};
};

TEST_F(ExchangeTest, GathersWhatIsForOneBrokerInOneBatch) {
  send("there", "one");
  send("elsewhere", "two");
  send("there", "three");
  auto batches = exchange_.take_all();
  std::ranges::sort(batches, {}, &Exchange::Batch::instance);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].instance, "elsewhere");
  EXPECT_EQ(batches[1].instance, "there");
  BatchReader reader(batches[1].bytes);
  EXPECT_EQ(reader.sender(), "here");
  EXPECT_EQ(std::get<MessageRecord>(*reader.next()).body, "one");
  EXPECT_EQ(std::get<MessageRecord>(*reader.next()).body, "three");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(batches[1].requests.size(), 2u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, HasNothingToSendTwice) {
  send("there");
  EXPECT_EQ(exchange_.take_all().size(), 1u);
  EXPECT_TRUE(exchange_.take_all().empty());
  exchange_.cancel();
}

TEST_F(ExchangeTest, ClosesAFullBatch) {
  send("there", std::string(kFullBatch, 'x'));
  send("there", "next");
  EXPECT_EQ(exchange_.take_full().size(), 1u);
  EXPECT_EQ(exchange_.take_all().size(), 1u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, RemembersABoundedNumberOfThoseWhoAskItSomething) {
  for (std::size_t n = 0; n < kMaxPeers + 10; ++n) reply(n, std::to_string(n));
  EXPECT_EQ(exchange_.peers(), kMaxPeers);
  reply(1, "0");
  EXPECT_EQ(exchange_.take_all().size(), kMaxPeers) << "those it knows are still answered";
}

TEST_F(ExchangeTest, PassesOnWhatBecameOfAMessage) {
  const Question& taken = send("there");
  const Question& refused = send("there");
  const Question& could_not = send("there");
  exchange_.on_reply({3, redis_registry::Outcome::could_not});
  exchange_.on_reply({1, redis_registry::Outcome::taken});
  exchange_.on_reply({2, redis_registry::Outcome::refused});
  EXPECT_TRUE(answer(taken)->yes);
  EXPECT_FALSE(answer(refused)->yes);
  EXPECT_EQ(status(refused), CROLANG_OK);
  EXPECT_EQ(status(could_not), CROLANG_UNAVAILABLE);
}

TEST_F(ExchangeTest, IgnoresRepliesThatNobodyWaitsFor) {
  const Question& question = send("there");
  exchange_.on_reply({99, redis_registry::Outcome::taken});
  EXPECT_FALSE(answer(question));
  exchange_.on_reply({1, redis_registry::Outcome::taken});
  exchange_.on_reply({1, redis_registry::Outcome::refused});
  exchange_.on_verdict({1, CROLANG_ALIVE});
  EXPECT_EQ(question.answers(), 1);
}

TEST_F(ExchangeTest, PassesOnAVerdict) {
  const Question& question = probe(milliseconds(1500));
  exchange_.on_verdict({1, CROLANG_YIELDED});
  EXPECT_EQ(answer(question)->code, CROLANG_YIELDED);
}

TEST_F(ExchangeTest, DoesNotKnowWhatBecameOfAMessageAfterThreeSeconds) {
  const Question& question = send("there");
  exchange_.tick(kStart + milliseconds(2999));
  EXPECT_FALSE(answer(question));
  exchange_.tick(kStart + milliseconds(3000));
  EXPECT_EQ(status(question), CROLANG_TIMEOUT);
}

TEST_F(ExchangeTest, FindsAHolderUnreachableAHalfSecondAfterTheProbesTime) {
  const Question& question = probe(milliseconds(1500));
  exchange_.tick(kStart + milliseconds(1999));
  EXPECT_FALSE(answer(question));
  exchange_.tick(kStart + milliseconds(2000));
  EXPECT_EQ(answer(question)->code, CROLANG_UNREACHABLE);
}

TEST_F(ExchangeTest, CallsAReceiverGoneOnlyIfItsLeaseIs) {
  const Question& stands = send("there");
  const Question& gone = send("there");
  const Question& unreachable = probe(milliseconds(1500));
  const Question& absent = probe(milliseconds(1500));
  exchange_.on_unheard(1, true);
  exchange_.on_unheard(2, false);
  exchange_.on_unheard(3, true);
  exchange_.on_unheard(4, false);
  EXPECT_EQ(status(stands), CROLANG_UNAVAILABLE);
  EXPECT_EQ(status(gone), CROLANG_OK);
  EXPECT_FALSE(answer(gone)->yes);
  EXPECT_EQ(answer(unreachable)->code, CROLANG_UNREACHABLE);
  EXPECT_EQ(answer(absent)->code, CROLANG_GONE);
}

TEST_F(ExchangeTest, KnowsWhomAnOpenRequestIsFor) {
  send("there");
  ASSERT_NE(exchange_.receiver(1), nullptr);
  EXPECT_EQ(exchange_.receiver(1)->id, "bob");
  exchange_.on_reply({1, redis_registry::Outcome::taken});
  EXPECT_EQ(exchange_.receiver(1), nullptr);
}

TEST_F(ExchangeTest, FailsWhatRedisRefused) {
  const Question& message = send("there");
  const Question& asked = probe(milliseconds(1500));
  for (const auto& batch : exchange_.take_all()) exchange_.on_refused(batch);
  EXPECT_EQ(status(message), CROLANG_UNAVAILABLE);
  EXPECT_EQ(answer(asked)->code, CROLANG_UNREACHABLE);
}

TEST_F(ExchangeTest, TellsWhatWasOnItsWayFromWhatWasNot) {
  const Question& sent = send("there");
  exchange_.take_all();
  const Question& not_sent = send("there");
  exchange_.on_lost();
  EXPECT_EQ(status(sent), CROLANG_TIMEOUT);
  EXPECT_EQ(status(not_sent), CROLANG_UNAVAILABLE);
  EXPECT_TRUE(exchange_.take_all().empty());
}

TEST_F(ExchangeTest, RefusesMoreThanABrokerCanBeBehind) {
  const std::string megabyte(std::size_t{1} << 20, 'x');
  for (std::size_t sent = 0; sent < kMaxOpenBytes; sent += megabyte.size()) {
    EXPECT_FALSE(answer(send("there", megabyte)));
  }
  EXPECT_EQ(status(send("there")), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(answer(send("elsewhere")));
  exchange_.on_reply({1, redis_registry::Outcome::taken});
  EXPECT_FALSE(answer(send("there")));
  exchange_.cancel();
}

TEST_F(ExchangeTest, TakesEmptyMessages) {
  const Question& first = send("there", "");
  const Question& second = send("there", "");
  exchange_.on_reply({1, redis_registry::Outcome::taken});
  exchange_.on_reply({2, redis_registry::Outcome::taken});
  EXPECT_TRUE(answer(first)->yes);
  EXPECT_TRUE(answer(second)->yes);
}

TEST_F(ExchangeTest, CancelsEverything) {
  const Question& message = send("there");
  const Question& asked = probe(milliseconds(1500));
  exchange_.cancel();
  EXPECT_EQ(status(message), CROLANG_CANCELLED);
  EXPECT_EQ(status(asked), CROLANG_CANCELLED);
}

TEST_F(ExchangeTest, CarriesAnswersToOthers) {
  exchange_.answer({std::make_shared<const std::string>("there"), VerdictRecord{4, CROLANG_GONE}},
                   now_);
  const auto batches = exchange_.take_all();
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  EXPECT_EQ(std::get<VerdictRecord>(*reader.next()).request, 4u);
  EXPECT_TRUE(batches[0].requests.empty());
}

// ---- Replies that wait for company

TEST_F(ExchangeTest, SendsAReplyAtOnceWhereNothingIsSaid) {
  reply(1);
  EXPECT_EQ(due(), 1u);
  EXPECT_EQ(exchange_.due(), TimePoint::max());
}

TEST_F(ExchangeTest, SendsAReplyAtOnceWhereMessagesAreRare) {
  talk(kCompany + milliseconds(1));
  reply(1);
  EXPECT_EQ(due(), 1u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, LetsAReplyGoWithTheNextMessage) {
  talk(milliseconds(1));
  reply(1);
  EXPECT_EQ(due(), 0u);
  EXPECT_EQ(exchange_.due(), now_ + kCompany);
  now_ += milliseconds(1);
  reply(2);
  EXPECT_EQ(due(), 0u);
  send("there");
  const auto batches = exchange_.take_due(now_);
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  EXPECT_EQ(std::get<ReplyRecord>(*reader.next()).request, 1u);
  EXPECT_EQ(std::get<ReplyRecord>(*reader.next()).request, 2u);
  EXPECT_TRUE(std::holds_alternative<MessageRecord>(*reader.next()));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(exchange_.due(), TimePoint::max());
  // It was not in vain.
  reply(3);
  EXPECT_EQ(due(), 0u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, WaitsForCompanyOnlyAMoment) {
  talk(milliseconds(1));
  reply(1);
  now_ += kCompany - std::chrono::microseconds(1);
  EXPECT_EQ(due(), 0u);
  now_ += std::chrono::microseconds(1);
  EXPECT_EQ(due(), 1u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, WaitsNoMoreForAWhileAfterItHasWaitedInVain) {
  talk(milliseconds(1));
  reply(1);
  now_ += kCompany;
  EXPECT_EQ(due(), 1u);
  talk(std::chrono::microseconds(900));
  reply(2);
  EXPECT_EQ(due(), 1u);
  talk(milliseconds(1));
  reply(3);
  EXPECT_EQ(due(), 0u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, DoesNotWaitForWhoHasFallenSilent) {
  talk(milliseconds(1));
  now_ += kCompany;
  reply(1);
  EXPECT_EQ(due(), 1u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, KeepsNothingElseWaiting) {
  talk(milliseconds(1));
  probe(milliseconds(1500));
  EXPECT_EQ(due(), 1u);
  reply(1);
  exchange_.answer({std::make_shared<const std::string>("there"), VerdictRecord{4, CROLANG_GONE}},
                   now_);
  EXPECT_EQ(due(), 1u);
  reply(2, "elsewhere");
  EXPECT_EQ(due(), 1u);
  reply(3);
  EXPECT_EQ(exchange_.take_all().size(), 1u);
  exchange_.cancel();
}

TEST_F(ExchangeTest, GivesUpWaitingRepliesWithTheWayToRedis) {
  talk(milliseconds(1));
  reply(1);
  EXPECT_EQ(due(), 0u);
  exchange_.on_lost();
  EXPECT_EQ(exchange_.due(), TimePoint::max());
  send("there");
  const auto batches = exchange_.take_due(now_);
  ASSERT_EQ(batches.size(), 1u);
  BatchReader reader(batches[0].bytes);
  EXPECT_TRUE(std::holds_alternative<MessageRecord>(*reader.next()));
  EXPECT_FALSE(reader.next());
  exchange_.cancel();
}

TEST_F(ExchangeTest, ForgetsBrokersThatNothingIsSaidToAnyMore) {
  const Question& question = send("there");
  send("elsewhere");
  reply(1, "third");
  exchange_.take_all();
  exchange_.on_reply({1, redis_registry::Outcome::taken});
  EXPECT_TRUE(answer(question)->yes);
  EXPECT_EQ(exchange_.peers(), 3u);
  exchange_.tick(now_ + milliseconds(999));
  EXPECT_EQ(exchange_.peers(), 2u);
  exchange_.tick(now_ + milliseconds(1000));
  // One message is still open.
  EXPECT_EQ(exchange_.peers(), 1u);
  exchange_.cancel();
}

}  // namespace
}  // namespace crolang::redis_registry
