#include "broker/instance_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace crolang::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class InstanceQuestionsTest : public ::testing::Test {
 protected:
  using Answers = std::vector<std::pair<crolang_status, std::string>>;

  /// Each answer: the text, or why there is none.
  Answers ask(std::string_view question) {
    Answers answers;
    questions_.answer(question,
                      {[](void* call, crolang_status status, crolang_str text, crolang_str error) {
                         const crolang_str words = status == CROLANG_OK ? text : error;
                         static_cast<Answers*>(call)->emplace_back(
                             status, std::string(words.data, words.size));
                       },
                       &answers});
    return answers;
  }

  InstanceQuestions questions_;
};

TEST_F(InstanceQuestionsTest, AreAnsweredByTheirFirstWord) {
  const auto echo = [](std::string name) {
    return [name](std::string_view rest, const InstanceQuestions::Reply& reply) {
      reply.text(name + "(" + std::string(rest) + ")");
    };
  };
  questions_.add("node", echo("node"));
  questions_.add("nodes", echo("nodes"));
  EXPECT_THAT(ask("node"), ElementsAre(Pair(CROLANG_OK, "node()")));
  EXPECT_THAT(ask("nodes"), ElementsAre(Pair(CROLANG_OK, "nodes()")));
  EXPECT_THAT(ask("node alice in chains"), ElementsAre(Pair(CROLANG_OK, "node(alice in chains)")));
  EXPECT_THAT(ask("node  a"), ElementsAre(Pair(CROLANG_OK, "node( a)")));
}

TEST_F(InstanceQuestionsTest, AreInvalidIfTheyHaveNoHandler) {
  questions_.add("node", [](std::string_view, const InstanceQuestions::Reply& reply) {
    reply.fail(CROLANG_UNAVAILABLE, "not now");
  });
  EXPECT_THAT(ask("node"), ElementsAre(Pair(CROLANG_UNAVAILABLE, "not now")));
  for (const std::string_view question : {"", " node", "nod", "node\n"}) {
    EXPECT_THAT(ask(question), ElementsAre(Pair(CROLANG_INVALID, "unknown question"))) << question;
  }
}

TEST_F(InstanceQuestionsTest, AreNotReadIfTheyAreTooLong) {
  questions_.add("node",
                 [](std::string_view, const InstanceQuestions::Reply& reply) { reply.text(""); });
  std::string longest = "node ";
  longest.resize(CROLANG_MAX_ASK, 'x');
  EXPECT_THAT(ask(longest), ElementsAre(Pair(CROLANG_OK, "")));
  EXPECT_THAT(ask(longest + "x"), ElementsAre(Pair(CROLANG_INVALID, "the question is too long")));
}

}  // namespace
}  // namespace crolang::broker
