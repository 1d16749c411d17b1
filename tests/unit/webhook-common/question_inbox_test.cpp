#include "webhook-common/question_inbox.hpp"

#include <gtest/gtest.h>

#include <new>
#include <string>

namespace crolang::webhook_common {
namespace {

using Outcome = QuestionInbox::Outcome;

class AQuestionInbox : public ::testing::Test {
 protected:
  Outcome put(std::string body) {
    Question question{std::move(body), {}, {}, nullptr};
    return inbox_.put(question, [this] { ++wakes_; });
  }

  QuestionInbox inbox_;
  int wakes_ = 0;
};

TEST_F(AQuestionInbox, WakesOnceForABurst) {
  EXPECT_EQ(put("a"), Outcome::accepted);
  EXPECT_EQ(put("b"), Outcome::accepted);
  EXPECT_EQ(wakes_, 1);
  const auto questions = inbox_.take();
  ASSERT_EQ(questions.size(), 2u);
  EXPECT_EQ(questions[0].content.body(), "a");
  EXPECT_EQ(questions[1].content.body(), "b");
  EXPECT_TRUE(inbox_.take().empty());
  EXPECT_EQ(put("c"), Outcome::accepted);
  EXPECT_EQ(wakes_, 2);
}

TEST_F(AQuestionInbox, CountsWhatHasNoReply) {
  put("ab");
  put("c");
  inbox_.take();
  EXPECT_EQ(inbox_.open(), 2u);
  EXPECT_EQ(inbox_.open_bytes(), 3u);
  inbox_.close(1, 2);
  EXPECT_EQ(inbox_.open(), 1u);
  EXPECT_EQ(inbox_.open_bytes(), 1u);
}

TEST_F(AQuestionInbox, IsFullOfQuestionsUntilSomeHaveTheirReply) {
  for (std::size_t i = 0; i < QuestionInbox::kMaxOpen; ++i) ASSERT_EQ(put(""), Outcome::accepted);
  EXPECT_EQ(put(""), Outcome::full);
  inbox_.take();
  EXPECT_EQ(put(""), Outcome::full);
  inbox_.close(1, 0);
  EXPECT_EQ(put(""), Outcome::accepted);
}

TEST_F(AQuestionInbox, IsFullOfBytesUntilSomeHaveTheirReply) {
  EXPECT_EQ(put(std::string(QuestionInbox::kMaxOpenBytes, 'x')), Outcome::accepted);
  EXPECT_EQ(put("x"), Outcome::full);
  EXPECT_EQ(put(""), Outcome::accepted);
  inbox_.close(1, QuestionInbox::kMaxOpenBytes);
  EXPECT_EQ(put("x"), Outcome::accepted);
}

TEST_F(AQuestionInbox, TakesAQuestionOfAnyLengthAlone) {
  EXPECT_EQ(put(std::string(QuestionInbox::kMaxOpenBytes + 1, 'x')), Outcome::accepted);
}

TEST_F(AQuestionInbox, LeavesAQuestionThatItDoesNotAccept) {
  EXPECT_TRUE(inbox_.stop());
  EXPECT_FALSE(inbox_.stop());
  Question question{"body", {}, {}, nullptr};
  EXPECT_EQ(inbox_.put(question, [this] { ++wakes_; }), Outcome::stopped);
  EXPECT_EQ(question.content.body(), "body");
  EXPECT_EQ(wakes_, 0);
  EXPECT_EQ(inbox_.open(), 0u);
}

TEST_F(AQuestionInbox, DoesNotAcceptAQuestionThatNobodyIsWokenFor) {
  Question question{"body", {}, {}, nullptr};
  EXPECT_THROW(inbox_.put(question, [] { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_EQ(question.content.body(), "body");
  EXPECT_EQ(inbox_.open(), 0u);
  EXPECT_TRUE(inbox_.take().empty());
  EXPECT_EQ(put("next"), Outcome::accepted);
  EXPECT_EQ(wakes_, 1);
}

}  // namespace
}  // namespace crolang::webhook_common
