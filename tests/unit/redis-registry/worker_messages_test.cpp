#include "redis-registry/worker_messages.hpp"

#include <gmock/gmock.h>

#include <crolang/testing/contract.hpp>
#include <optional>
#include <string>
#include <vector>

namespace crolang::redis_registry {
namespace {

using plugin::testing::Outcome;
using plugin::testing::Question;
using plugin::testing::Questions;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::uint32_t kDeadline = 10'000;
constexpr auto kTaken = redis_registry::Outcome::taken;
constexpr auto kRefused = redis_registry::Outcome::refused;
constexpr auto kCannotAccept = redis_registry::Outcome::cannot_accept;

class WorkerMessagesTest : public ::testing::Test {
 protected:
  struct Batch {
    std::string peer;
    std::string bytes;
    std::uint64_t number;
    WorkerMessages::Content content;
  };

  Question& send(const std::string& peer, const std::string& body = "42[]") {
    Question& question = questions_.next();
    messages_.send(peer, {"bob", 7}, body, plugin::YesNo(&Question::yes_no, &question, kDeadline),
                   now_);
    return question;
  }
  void reply(std::uint64_t request, const std::string& peer = "{there}:0") {
    messages_.reply(peer, {request, kTaken}, now_);
  }
  std::vector<Batch> take_due() {
    std::vector<Batch> batches;
    messages_.take_due(now_, [&](std::string_view peer, std::string_view bytes, std::uint64_t n,
                                 WorkerMessages::Content content) {
      batches.push_back({std::string(peer), std::string(bytes), n, content});
    });
    return batches;
  }
  std::vector<Batch> take_all() {
    std::vector<Batch> batches;
    messages_.take_all([&](std::string_view peer, std::string_view bytes, std::uint64_t n,
                           WorkerMessages::Content content) {
      batches.push_back({std::string(peer), std::string(bytes), n, content});
    });
    return batches;
  }
  /// What the last batch says, a request for each record.
  static std::vector<std::uint64_t> requests_in(const Batch& batch) {
    std::vector<std::uint64_t> requests;
    BatchReader reader(batch.bytes);
    while (const auto record = reader.next()) {
      std::visit([&](const auto& each) { requests.push_back(each.request); }, *record);
    }
    return requests;
  }
  void talk(TimePoint::duration apart) {
    for (int n = 0; n < 100; ++n) {
      now_ += apart;
      send("{there}:0");
      const auto batches = take_due();
      messages_.on_reply({requests_in(batches.back()).back(), kTaken}, now_);
    }
  }
  static std::optional<Outcome> answer(const Question& question) {
    return question.wait(milliseconds(0));
  }
  static crolang_status status(const Question& question) {
    const auto outcome = answer(question);
    return outcome ? outcome->status : -1;
  }

  TimePoint now_ = kStart;
  Questions questions_;
  const WorkerAddress address_{"here", 1, 2};
  WorkerMessages messages_{address_};
};

TEST_F(WorkerMessagesTest, GathersWhatIsForOnePeerInOneBatch) {
  send("{there}:0", "one");
  send("{elsewhere}:1", "two");
  send("{there}:0", "three");
  const auto batches = take_all();
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].peer, "{there}:0");
  EXPECT_EQ(batches[1].peer, "{elsewhere}:1");
  EXPECT_NE(batches[0].number, batches[1].number);
  BatchReader reader(batches[0].bytes);
  EXPECT_EQ(reader.sender(), address_.from("there"));
  EXPECT_EQ(std::get<MessageRecord>(*reader.next()).body, "one");
  EXPECT_EQ(std::get<MessageRecord>(*reader.next()).body, "three");
  EXPECT_FALSE(reader.next());
  EXPECT_THAT(take_all(), IsEmpty());
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, PassesOnWhatBecameOfAMessage) {
  const Question& taken = send("{there}:0");
  const Question& refused = send("{there}:0");
  const Question& full = send("{there}:0");
  const auto requests = requests_in(take_all().front());
  messages_.on_reply({requests[2], kCannotAccept}, now_);
  messages_.on_reply({requests[0], kTaken}, now_);
  messages_.on_reply({requests[1], kRefused}, now_);
  EXPECT_TRUE(answer(taken)->yes);
  EXPECT_FALSE(answer(refused)->yes);
  EXPECT_EQ(status(refused), CROLANG_OK);
  EXPECT_EQ(status(full), CROLANG_UNAVAILABLE);
  EXPECT_EQ(messages_.open(), 0u);
}

TEST_F(WorkerMessagesTest, IgnoresRepliesThatNobodyWaitsFor) {
  const Question& first = send("{there}:0");
  const std::uint64_t request = requests_in(take_all().front()).front();
  for (const std::uint64_t other :
       {std::uint64_t{0}, request + 1, request + (std::uint64_t{1} << 32), ~std::uint64_t{0}}) {
    messages_.on_reply({other, kTaken}, now_);
  }
  EXPECT_FALSE(answer(first));
  messages_.on_reply({request, kTaken}, now_);
  EXPECT_TRUE(answer(first)->yes);
  // Its place is used again; the number is not.
  const Question& second = send("{there}:0");
  messages_.on_reply({request, kRefused}, now_);
  EXPECT_FALSE(answer(second));
  EXPECT_EQ(first.answers(), 1);
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, DoesNotKnowWhatBecameOfAMessageAfterThreeSeconds) {
  const Question& question = send("{there}:0");
  messages_.tick(kStart + milliseconds(2999));
  EXPECT_FALSE(answer(question));
  messages_.tick(kStart + milliseconds(3000));
  EXPECT_EQ(status(question), CROLANG_TIMEOUT);
}

TEST_F(WorkerMessagesTest, CallsAReceiverGoneOnlyIfItsLeaseIs) {
  const Question& stands = send("{there}:0");
  const Question& gone = send("{there}:0");
  const auto batch = take_all().front();
  send("{there}:0");
  std::vector<std::uint64_t> unreached;
  messages_.for_each_of(batch.number,
                        [&](std::uint64_t request, std::string_view id, std::uint64_t token) {
                          unreached.push_back(request);
                          EXPECT_EQ(id, "bob");
                          EXPECT_EQ(token, 7u);
                        });
  ASSERT_EQ(unreached, requests_in(batch)) << "those of this batch only";
  messages_.on_no_subscriber(unreached[0], true);
  messages_.on_no_subscriber(unreached[1], false);
  EXPECT_EQ(status(stands), CROLANG_UNAVAILABLE);
  EXPECT_EQ(status(gone), CROLANG_OK);
  EXPECT_FALSE(answer(gone)->yes);
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, FailsWhatRedisRefused) {
  const Question& refused = send("{there}:0");
  const auto batch = take_all().front();
  const Question& later = send("{there}:0");
  messages_.on_refused(batch.number);
  EXPECT_EQ(status(refused), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(answer(later));
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, FailsWhatSomeMastersOfAClusterDidNotPublish) {
  std::vector<std::uint64_t> batches;
  const auto publish = [&]() -> const Question& {
    const Question& question = send("{there}:0");
    batches.push_back(take_all().front().number);
    return question;
  };
  const Question& lost = publish();
  const Question& published = publish();
  const Question& late = publish();
  const Question& later = send("{there}:0");
  messages_.on_lost(std::vector{batches[0]});
  EXPECT_EQ(status(lost), CROLANG_TIMEOUT) << "it may have arrived";
  messages_.on_unpublished(std::vector{batches[0], batches[2]});
  EXPECT_EQ(status(late), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(answer(published));
  EXPECT_FALSE(answer(later));
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, DistinguishesWhatWasPublishedFromWhatWasNot) {
  const Question& published = send("{there}:0");
  take_all();
  const Question& kept = send("{there}:0");
  messages_.on_connection_lost();
  EXPECT_EQ(status(published), CROLANG_TIMEOUT);
  EXPECT_EQ(status(kept), CROLANG_UNAVAILABLE);
  EXPECT_THAT(take_all(), IsEmpty());
  EXPECT_EQ(messages_.peers(), 0u);
}

TEST_F(WorkerMessagesTest, CancelsEverything) {
  const Question& question = send("{there}:0");
  messages_.cancel();
  EXPECT_EQ(status(question), CROLANG_CANCELLED);
}

TEST_F(WorkerMessagesTest, RefusesMoreThanABrokerCanBeBehind) {
  const std::string megabyte(std::size_t{1} << 20, 'x');
  std::vector<std::uint64_t> requests;
  for (std::size_t sent = 0; sent < kMaxOpenBytes; sent += megabyte.size()) {
    EXPECT_FALSE(answer(send("{there}:0", megabyte)));
    EXPECT_TRUE(messages_.is_full());
    requests.push_back(requests_in(take_due().front()).front());
    EXPECT_FALSE(messages_.is_full());
  }
  EXPECT_EQ(status(send("{there}:0")), CROLANG_UNAVAILABLE);
  EXPECT_FALSE(answer(send("{elsewhere}:0")));
  messages_.on_reply({requests.front(), kTaken}, now_);
  EXPECT_FALSE(answer(send("{there}:0")));
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, AnswersABoundedNumberOfPeers) {
  for (std::size_t n = 0; n < kMaxPeers + 10; ++n) reply(n, std::to_string(n) + ":0");
  EXPECT_EQ(messages_.peers(), kMaxPeers);
  reply(1, "0:0");
  EXPECT_EQ(take_all().size(), kMaxPeers);
}

class UncountedTest : public WorkerMessagesTest {
 protected:
  /// What a worker link does that may publish uncounted: the number of the only batch.
  std::uint64_t publish() {
    std::vector<std::uint64_t> numbers;
    messages_.take_due(
        now_,
        [&](std::string_view, std::string_view bytes, std::uint64_t number,
            WorkerMessages::Content content) {
          numbers.push_back(number);
          last_ = requests_in({{}, std::string(bytes), number, content}).back();
        },
        WorkerMessages::Uncounted::some);
    EXPECT_EQ(numbers.size(), 1u);
    return numbers.at(0);
  }
  std::uint64_t publish_message() {
    send("{there}:0");
    return publish();
  }

  std::uint64_t last_ = 0;  // request in a batch
};

TEST_F(UncountedTest, IsWhatFollowsAReplyOfThePeer) {
  EXPECT_NE(publish_message(), WorkerMessages::kUncounted);
  EXPECT_NE(publish_message(), WorkerMessages::kUncounted) << "nobody has replied yet";
  messages_.on_reply({last_, kTaken}, now_);
  now_ += milliseconds(99);
  EXPECT_EQ(publish_message(), WorkerMessages::kUncounted);
  messages_.cancel();
}

TEST_F(UncountedTest, EndsSoonAfterTheLastReply) {
  publish_message();
  messages_.on_reply({last_, kTaken}, now_);
  for (int n = 0; n < 9; ++n) {
    now_ += milliseconds(10);
    EXPECT_EQ(publish_message(), WorkerMessages::kUncounted);
  }
  for (int n = 0; n < 9; ++n) {
    now_ += milliseconds(10);
    EXPECT_NE(publish_message(), WorkerMessages::kUncounted);
  }
  messages_.on_reply({last_, kTaken}, now_);
  EXPECT_EQ(publish_message(), WorkerMessages::kUncounted);
  messages_.cancel();
}

TEST_F(UncountedTest, IsNotEverythingThoughThePeerReplies) {
  int counted = 0;
  for (int n = 0; n < 1000; ++n) {
    now_ += milliseconds(1);
    counted += publish_message() == WorkerMessages::kUncounted ? 0 : 1;
    messages_.on_reply({last_, kTaken}, now_);
  }
  EXPECT_EQ(counted, 10);
}

TEST_F(UncountedTest, AreRepliesToo) {
  reply(1);
  EXPECT_NE(publish(), WorkerMessages::kUncounted);
  now_ += milliseconds(99);
  reply(2);
  EXPECT_EQ(publish(), WorkerMessages::kUncounted);
  now_ += milliseconds(1);
  reply(3);
  EXPECT_NE(publish(), WorkerMessages::kUncounted);
  reply(4);
  send("{there}:0");
  EXPECT_NE(publish(), WorkerMessages::kUncounted) << "a message, and the peer has not replied";
  reply(5);
  EXPECT_EQ(publish(), WorkerMessages::kUncounted);
  messages_.cancel();
}

TEST_F(UncountedTest, IsFollowedByACountedOneIfThePeerIsSilent) {
  publish_message();
  messages_.on_reply({last_, kTaken}, now_);
  const Question& lost = send("{there}:0");
  EXPECT_EQ(publish(), WorkerMessages::kUncounted);
  now_ += milliseconds(99);
  messages_.tick(now_);
  EXPECT_THAT(take_due(), IsEmpty());
  now_ += milliseconds(1);
  messages_.tick(now_);
  const auto batches = take_due();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_THAT(requests_in(batches.front()), IsEmpty());
  EXPECT_EQ(batches.front().number, 3u);
  messages_.tick(now_);
  EXPECT_THAT(take_due(), IsEmpty()) << "once";
  EXPECT_FALSE(answer(lost));
  messages_.on_nobody(2);
  EXPECT_FALSE(answer(lost));
  messages_.on_nobody(3);
  EXPECT_EQ(status(lost), CROLANG_TIMEOUT) << "it may have arrived";
}

TEST_F(UncountedTest, IsUnknownIfALaterOneHasNoSubscriber) {
  publish_message();
  messages_.on_reply({last_, kTaken}, now_);
  const Question& before = send("{there}:0");
  EXPECT_EQ(publish(), WorkerMessages::kUncounted);
  now_ += milliseconds(100);
  const Question& other = send("{elsewhere}:0");
  publish();
  const Question& last = send("{there}:0");
  const std::uint64_t counted = publish();
  const Question& after = send("{there}:0");
  messages_.on_nobody(counted);
  EXPECT_EQ(status(before), CROLANG_TIMEOUT);
  EXPECT_FALSE(answer(other)) << "another peer";
  EXPECT_FALSE(answer(last)) << "its lease is looked at";
  EXPECT_FALSE(answer(after));
  messages_.cancel();
}

TEST_F(UncountedTest, FailsAtItsDeadline) {
  publish_message();
  messages_.on_reply({last_, kTaken}, now_);
  const Question& question = send("{there}:0");
  EXPECT_EQ(publish(), WorkerMessages::kUncounted);
  messages_.for_each_of(WorkerMessages::kUncounted, [](auto...) { ADD_FAILURE(); });
  messages_.on_refused(WorkerMessages::kUncounted);
  EXPECT_FALSE(answer(question));
  messages_.tick(now_ + kMessageTimeout);
  EXPECT_EQ(status(question), CROLANG_TIMEOUT);
}

TEST_F(WorkerMessagesTest, SaysWhichBatchesHaveReplies) {
  send("{there}:0");
  EXPECT_EQ(take_all().front().content, WorkerMessages::Content::messages);
  reply(1);
  EXPECT_EQ(take_all().front().content, WorkerMessages::Content::replies);
  send("{there}:0");
  reply(2);
  EXPECT_EQ(take_all().front().content, WorkerMessages::Content::replies);
  send("{there}:0");
  EXPECT_EQ(take_all().front().content, WorkerMessages::Content::messages);
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, LetsAReplyGoWithTheNextMessage) {
  talk(milliseconds(1));
  reply(1);
  EXPECT_THAT(take_due(), IsEmpty());
  EXPECT_EQ(messages_.due(), now_ + kReplyDelay);
  now_ += milliseconds(1);
  reply(2);
  EXPECT_THAT(take_due(), IsEmpty());
  send("{there}:0");
  const auto batches = take_due();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(requests_in(batches.front()).size(), 3u);
  EXPECT_EQ(messages_.due(), TimePoint::max());
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, NumbersBatchesWithMessagesInTheOrderOfTheirPublication) {
  talk(milliseconds(1));
  reply(1);
  // Perhaps of the same worker link, which takes what has a lower number for late.
  send("{there}:1");
  const auto first = take_due();
  ASSERT_EQ(first.size(), 1u);
  send("{there}:1");
  const Question& later = send("{there}:0");
  const auto then = take_due();
  ASSERT_EQ(then.size(), 2u);
  EXPECT_EQ(then[1].peer, "{there}:0");
  EXPECT_EQ(requests_in(then[1]).size(), 2u);
  EXPECT_LT(first[0].number, then[0].number);
  EXPECT_LT(then[0].number, then[1].number);
  for (const Batch& each : then) EXPECT_EQ(BatchReader(each.bytes).number(), each.number);
  messages_.on_refused(then[1].number);
  EXPECT_EQ(status(later), CROLANG_UNAVAILABLE);
  messages_.cancel();
}

TEST_F(WorkerMessagesTest, DelaysAReplyForAMomentOnlyAndNothingElse) {
  talk(milliseconds(1));
  reply(1);
  reply(2, "{elsewhere}:0");
  EXPECT_EQ(take_due().size(), 1u) << "nothing is sent there";
  now_ += kReplyDelay - std::chrono::microseconds(1);
  EXPECT_THAT(take_due(), IsEmpty());
  now_ += std::chrono::microseconds(1);
  EXPECT_EQ(take_due().size(), 1u);
  reply(3);
  EXPECT_EQ(take_due().size(), 1u) << "that was in vain";
}

TEST_F(WorkerMessagesTest, TakesDelayedRepliesWithAllTheRest) {
  talk(milliseconds(1));
  reply(1);
  EXPECT_EQ(take_all().size(), 1u);
}

TEST_F(WorkerMessagesTest, ForgetsPeersThatNothingIsSentToAnyMore) {
  send("{there}:0");
  const auto request = requests_in(take_all().front()).front();
  reply(1, "{third}:0");
  take_all();
  EXPECT_EQ(messages_.peers(), 2u);
  messages_.tick(now_ + milliseconds(1000));
  EXPECT_EQ(messages_.peers(), 1u) << "one message is still open";
  messages_.on_reply({request, kTaken}, now_);
  messages_.tick(now_ + milliseconds(1000));
  EXPECT_EQ(messages_.peers(), 0u);
  send("{there}:0");
  EXPECT_EQ(take_all().size(), 1u);
  messages_.cancel();
}

}  // namespace
}  // namespace crolang::redis_registry
