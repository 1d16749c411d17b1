#include "broker/module_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using testing::Asked;
using ::testing::ElementsAre;
using testing::Harness;
using ::testing::IsEmpty;
using testing::Question;

class ModuleQuestionsTest : public ::testing::Test {
 protected:
  void ask(const std::string& body) {
    harness.post(0, AskModule{[body](modules::Clients& clients, const modules::Waiter& waiter) {
                                return clients.ask_instance(waiter, "there", body);
                              },
                              [this](const modules::Answer& answer) {
                                answers.push_back(answer.could_ask() ? answer.text : "failed");
                              }});
    harness.run_iteration();
  }

  Harness harness;
  std::vector<std::string> answers;
};

TEST_F(ModuleQuestionsTest, AreAnsweredAtOnceIfTheRegistryDoes) {
  harness.modules.on(Question::ask, [](const Asked& asked) { asked.text("to " + asked.body); });
  ask("a");
  ask("b");
  EXPECT_THAT(answers, ElementsAre("to a", "to b"));
}

TEST_F(ModuleQuestionsTest, AreAnsweredInWhateverOrder) {
  harness.modules.keep(Question::ask);
  ask("a");
  ask("b");
  EXPECT_THAT(answers, IsEmpty());
  const auto asked = harness.modules.asked(Question::ask);
  asked[1].text("second");
  harness.run_iteration();
  EXPECT_THAT(answers, ElementsAre("second"));
  asked[0].fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();
  EXPECT_THAT(answers, ElementsAre("second", "failed"));
}

}  // namespace
}  // namespace crolang::broker
