#include "broker/module_questions.hpp"

#include <gtest/gtest.h>

#include "unit/broker/harness.hpp"

namespace crolang::broker::testing {
namespace {

TEST(ModuleQuestions, AreAskedByTheWorkerAndAnsweredOnce) {
  Harness harness;
  int asked = 0;
  std::vector<crolang_status> answers;
  harness.post(0,
               AskModule{[&](modules::Clients& clients, const modules::Waiter& waiter) {
                           ++asked;
                           return clients.list_instances(waiter);
                         },
                         [&](const modules::Answer& answer) { answers.push_back(answer.status); }});
  EXPECT_EQ(asked, 0);
  harness.settle();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(answers.size(), 1u);
}

TEST(ModuleQuestions, AnAnswerThatComesLaterIsPassedOnToo) {
  Harness harness;
  const modules::AnswerSink* sink = nullptr;
  modules::Waiter kept;
  std::vector<std::string> answers;
  for (const char* name : {"first", "second"}) {
    harness.post(0,
                 AskModule{[&](modules::Clients&, const modules::Waiter& waiter) {
                             if (kept.sink == nullptr) kept = waiter;
                             sink = waiter.sink;
                             return nullptr;
                           },
                           [&answers, name](const modules::Answer&) { answers.push_back(name); }});
  }
  harness.run_iteration();
  ASSERT_NE(sink, nullptr);
  EXPECT_TRUE(answers.empty());
  kept.sink->on_answer(kept, {});
  EXPECT_EQ(answers, std::vector<std::string>{"first"});
  kept.sink->on_answer(kept, {});
  EXPECT_EQ(answers.size(), 1u);
}

}  // namespace
}  // namespace crolang::broker::testing
