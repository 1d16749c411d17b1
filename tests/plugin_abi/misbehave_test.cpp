// The plugin that the end-to-end tests load goes wrong exactly as it says.
#include <gtest/gtest.h>

#include <crolang/testing/fake_host.hpp>
#include <crolang/testing/question.hpp>
#include <deque>
#include <memory>

namespace crolang::plugin::testing {
namespace {

class Misbehave : public ::testing::Test {
 protected:
  Question& ask(const std::string& to, std::uint32_t timeout_ms = 1000) {
    Question& question = questions_.emplace_back();
    running_->table<crolang_authorization>(CROLANG_AUTHORIZATION)
        ->authorize(running_->self(), Lent("alice"), Lent(to), timeout_ms, &Question::yes_no,
                    &question);
    return question;
  }

  std::deque<Question> questions_;
  std::unique_ptr<Running> running_ =
      std::make_unique<Running>(open_file(TEST_PLUGINS_DIR "/misbehave.so"));
};

TEST_F(Misbehave, AnswersTwice) {
  EXPECT_EQ(ask("double-bob").answers(), 2);
}

TEST_F(Misbehave, AnswersLate) {
  const auto before = std::chrono::steady_clock::now();
  const auto outcome = ask("late-bob", 50).wait();
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(350));
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->yes);
}

TEST_F(Misbehave, AnswersFromAnotherThread) {
  const Question& question = ask("async-bob");
  EXPECT_EQ(question.answers(), 0);
  EXPECT_TRUE(question.wait()->yes);
}

TEST_F(Misbehave, BlocksTheWorker) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(ask("slow-bob").answers(), 1);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(20));
}

TEST_F(Misbehave, ThrowsIntoTheTrampoline) {
  const auto outcome = ask("throw-bob").wait();
  EXPECT_EQ(outcome->status, CROLANG_INTERNAL);
  EXPECT_EQ(outcome->error, "thrown on demand");
}

TEST_F(Misbehave, NeverAnswersBeforeItIsStopped) {
  const Question& question = ask("never-bob");
  EXPECT_FALSE(question.wait(std::chrono::milliseconds(100)));
  running_->stop();
  EXPECT_EQ(question.wait()->status, CROLANG_CANCELLED);
}

}  // namespace
}  // namespace crolang::plugin::testing
