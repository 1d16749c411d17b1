#include "redis-registry/presence_queue.hpp"

#include <gmock/gmock.h>

#include <crolang/testing/contract.hpp>
#include <optional>
#include <string>
#include <vector>

namespace crolang::redis_registry {
namespace {

using plugin::Status;
using plugin::testing::Outcome;
using plugin::testing::Question;
using plugin::testing::Questions;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::uint32_t kDeadline = 10'000;

class PresenceQueueTest : public ::testing::Test {
 protected:
  Question& ask(std::vector<std::string> ids) {
    Question& question = questions_.next();
    queue_.add({std::move(ids), plugin::Located(&Question::located, &question, kDeadline)}, now_);
    return question;
  }
  Question& ask(std::size_t count, const std::string& prefix = "") {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
    return ask(std::move(ids));
  }
  PresenceQueue::Batch take() { return queue_.take(now_); }
  /// Each is held by an instance of its own name.
  void settle(const PresenceQueue::Batch& batch) {
    std::vector<plugin::Holder> holders;
    for (const std::string_view id : batch.ids()) holders.push_back({id, 7});
    queue_.settle(batch, holders);
  }

  static std::optional<Outcome> answer(const Question& question) {
    return question.wait(milliseconds(0));
  }
  static std::vector<std::string> found(const Question& question) {
    std::vector<std::string> instances;
    const Outcome outcome = *answer(question);
    for (const auto& holder : outcome.holders) instances.push_back(holder.instance);
    return instances;
  }

  TimePoint now_ = kStart;
  Questions questions_;
  PresenceQueue queue_;
};

TEST_F(PresenceQueueTest, HasNothingToAskAtFirst) {
  EXPECT_TRUE(take().empty());
}

TEST_F(PresenceQueueTest, AnswersInTheOrderAsked) {
  const Question& question = ask({"c", "a", "b", "a"});
  const auto batch = take();
  EXPECT_THAT(batch.ids(), ElementsAre("c", "a", "b", "a"));
  EXPECT_FALSE(answer(question));

  settle(batch);

  EXPECT_THAT(found(question), ElementsAre("c", "a", "b", "a"));
  EXPECT_EQ(question.answers(), 1);
}

TEST_F(PresenceQueueTest, AnswersAQuestionAboutNobodyAtOnce) {
  EXPECT_EQ(answer(ask(std::vector<std::string>()))->status, CROLANG_OK);
  EXPECT_TRUE(take().empty());
}

TEST_F(PresenceQueueTest, AsksAboutSeveralQuestionsTogether) {
  const Question& one = ask({"a"});
  const Question& other = ask({"b", "c"});
  const auto batch = take();
  EXPECT_THAT(batch.ids(), ElementsAre("a", "b", "c"));
  settle(batch);
  EXPECT_THAT(found(one), ElementsAre("a"));
  EXPECT_THAT(found(other), ElementsAre("b", "c"));
}

TEST_F(PresenceQueueTest, AsksALongQuestionPieceByPiece) {
  const Question& question = ask(1000);
  std::size_t batches = 0;
  while (true) {
    const auto batch = take();
    if (batch.empty()) break;
    EXPECT_LE(batch.size(), kIdsPerBatch);
    EXPECT_FALSE(answer(question));
    settle(batch);
    ++batches;
  }
  EXPECT_EQ(batches, (1000 + kIdsPerBatch - 1) / kIdsPerBatch);
  const auto instances = found(question);
  ASSERT_THAT(instances, SizeIs(1000));
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(instances[i], std::to_string(i));
}

TEST_F(PresenceQueueTest, AsksALongQuestionAtOnceIfItMay) {
  const Question& question = ask(1000);
  const auto batch = queue_.take(now_, kIdsPerBatchWhenQuiet);
  EXPECT_EQ(batch.size(), 1000u);
  settle(batch);
  EXPECT_THAT(found(question), SizeIs(1000));
}

TEST_F(PresenceQueueTest, HasFewBatchesInFlight) {
  ask(10 * kIdsPerBatch);
  std::vector<PresenceQueue::Batch> under_way;
  for (std::size_t i = 0; i < kBatchesInFlight; ++i) under_way.push_back(take());
  for (const auto& batch : under_way) EXPECT_EQ(batch.size(), kIdsPerBatch);
  EXPECT_TRUE(take().empty());

  settle(under_way.front());

  EXPECT_FALSE(take().empty());
  EXPECT_TRUE(take().empty());
}

TEST_F(PresenceQueueTest, LetsAShortQuestionPassTheRestOfALongOne) {
  const Question& longer = ask(10 * kIdsPerBatch);
  const auto first = take();
  const Question& shorter = ask({"a"});
  settle(first);
  settle(take());
  settle(take());
  EXPECT_TRUE(answer(shorter));
  EXPECT_FALSE(answer(longer));
}

TEST_F(PresenceQueueTest, FailsTheQuestionsOfABatchThatFails) {
  const Question& longer = ask(kIdsPerBatch + 1);
  const auto batch = take();
  const Question& other = ask({"a"});
  queue_.fail(batch, Status::unavailable, "away");
  EXPECT_EQ(answer(longer)->status, CROLANG_UNAVAILABLE);
  // What is left of it is not asked.
  const auto next = take();
  EXPECT_THAT(next.ids(), ElementsAre("a"));
  settle(next);
  EXPECT_EQ(answer(other)->status, CROLANG_OK);
  EXPECT_EQ(longer.answers(), 1);
}

TEST_F(PresenceQueueTest, AnswersOnceIfOneBatchFailsAndAnotherDoesNot) {
  const Question& question = ask(2 * kIdsPerBatch);
  const auto one = take();
  const auto other = take();
  queue_.fail(one, Status::unavailable, "away");
  settle(other);
  EXPECT_EQ(question.answers(), 1);
  EXPECT_EQ(answer(question)->status, CROLANG_UNAVAILABLE);
}

TEST_F(PresenceQueueTest, DoesNotAskWhatNobodyWaitsForAnyMore) {
  const Question& late = ask({"a"});
  now_ += milliseconds(kDeadline);
  const Question& early = ask({"b"});
  const auto batch = take();
  EXPECT_THAT(batch.ids(), ElementsAre("b"));
  EXPECT_EQ(answer(late)->status, CROLANG_TIMEOUT);
  settle(batch);
  EXPECT_EQ(answer(early)->status, CROLANG_OK);
}

TEST_F(PresenceQueueTest, FailsAllThatWaits) {
  const Question& asked = ask({"a"});
  const auto batch = take();
  const Question& waiting = ask({"b"});
  queue_.fail(batch, Status::unavailable, "away");
  queue_.fail_all(Status::unavailable, "away");
  EXPECT_EQ(answer(asked)->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(answer(waiting)->status, CROLANG_UNAVAILABLE);
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(queue_.waiting(), 0u);
}

TEST_F(PresenceQueueTest, FailsOnlyTheQuestionsAboutWhatCouldNotBeFoundOut) {
  const Question& one = ask({"a", "b"});
  const Question& other = ask({"c", "d"});
  const auto batch = take();
  std::vector<plugin::Holder> holders;
  for (const std::string_view id : batch.ids()) holders.push_back({id, 7});
  queue_.settle(batch, holders, {false, false, false, true}, "away");

  EXPECT_THAT(found(one), ElementsAre("a", "b"));
  EXPECT_EQ(answer(other)->status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(other.answers(), 1);
  EXPECT_EQ(queue_.waiting(), 0U);
}

}  // namespace
}  // namespace crolang::redis_registry
