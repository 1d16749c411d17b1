#include "broker/presence_authorization.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using testing::Asked;
using ::testing::ElementsAre;
using testing::Harness;
using testing::Question;
using ::testing::SizeIs;

constexpr std::size_t kMaxIdBytes = 256;

class PresenceAuthorizationTest : public ::testing::Test, public PresenceAuthorizationEvents {
 protected:
  PresenceAuthorizationTest() { harness.modules.keep(Question::authorize); }

  void on_permitted(std::uint64_t question, const Permitted& permitted) override {
    results[question] = permitted;
  }
  std::optional<std::vector<bool>> ask(const Node& asker, const std::vector<std::string>& ids) {
    const std::vector<std::string_view> views(ids.begin(), ids.end());
    return authorization.ask(++last, asker, views, kMaxIdBytes);
  }
  static std::vector<std::string> ids(std::size_t count) {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back("n" + std::to_string(i));
    return made;
  }
  std::size_t asked() const { return harness.modules.count(Question::authorize); }
  /// Answers so many of the questions that were not answered yet, the first ones.
  void answer(std::size_t count) {
    const std::vector<Asked> all = harness.modules.asked(Question::authorize);
    for (std::size_t i = 0; i < count && answered < all.size(); ++i) all[answered++].yes();
    harness.run_iteration();
  }

  Harness harness;
  Node& ann = harness.join("ann");
  PresenceAuthorization authorization{harness.clients, harness, *this};
  std::map<std::uint64_t, Permitted> results;
  std::uint64_t last = 0;
  std::size_t answered = 0;
};

TEST_F(PresenceAuthorizationTest, HasAtMostSixteenOpenOfAQuestion) {
  EXPECT_EQ(ask(ann, ids(40)), std::nullopt);
  EXPECT_EQ(asked(), kMaxOpenOfQuestion);
  answer(1);
  EXPECT_EQ(asked(), kMaxOpenOfQuestion + 1);
  answer(39);
  answer(39);
  answer(39);
  EXPECT_EQ(asked(), 40u);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[1].flags, std::vector<bool>(40, true));
  EXPECT_EQ(results[1].ids, ids(40));
  EXPECT_EQ(authorization.open(), 0u);
}

TEST_F(PresenceAuthorizationTest, HasABoundedNumberOpenForAllQuestionsAndServesThemInTurn) {
  constexpr std::size_t kQuestions = kMaxOpenForPresence / kMaxOpenOfQuestion;
  for (std::size_t i = 0; i < kQuestions; ++i) ask(ann, ids(1000));
  Node& bob = harness.join("bob");
  ask(bob, {"x", "y"});
  EXPECT_EQ(asked(), kMaxOpenForPresence);
  EXPECT_EQ(authorization.open(), kMaxOpenForPresence);

  // What becomes free goes to those that wait longest.
  answer(kQuestions);
  answer(2 * kQuestions);
  EXPECT_THAT(results, SizeIs(0));
  std::size_t of_bob = 0;
  for (const Asked& each : harness.modules.asked(Question::authorize)) of_bob += each.id == "bob";
  EXPECT_EQ(of_bob, 2u);
  EXPECT_EQ(authorization.open(), kMaxOpenForPresence);
}

TEST_F(PresenceAuthorizationTest, AnswersAllQuestionsInTheEnd) {
  for (int i = 0; i < 50; ++i) ask(ann, ids(30));
  while (answered < asked()) answer(7);
  EXPECT_THAT(results, SizeIs(50));
  for (const auto& [question, permitted] : results) {
    EXPECT_EQ(permitted.flags, std::vector<bool>(30, true)) << question;
  }
  EXPECT_EQ(authorization.open(), 0u);
  EXPECT_EQ(asked(), 50u * 30u);
}

TEST_F(PresenceAuthorizationTest, GivesUpAQuestionOfWhichOneAnswerFails) {
  ask(ann, ids(100));
  harness.modules.asked(Question::authorize)[3].fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_TRUE(results[1].flags.empty());
  EXPECT_EQ(asked(), kMaxOpenOfQuestion) << "no more is asked";
  EXPECT_EQ(authorization.open(), kMaxOpenOfQuestion - 1);
  const std::vector<Asked> all = harness.modules.asked(Question::authorize);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i != 3) all[i].yes();
  }
  harness.run_iteration();
  EXPECT_EQ(authorization.open(), 0u);
}

TEST_F(PresenceAuthorizationTest, GivesUpTheQuestionsOfAnAskerThatIsGone) {
  ask(ann, ids(100));
  harness.cut(ann);
  answer(1);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_TRUE(results[1].flags.empty());
  answer(100);
  EXPECT_EQ(authorization.open(), 0u);
  EXPECT_EQ(asked(), kMaxOpenOfQuestion);
}

TEST_F(PresenceAuthorizationTest, AnswersAtOnceIfTheModuleDoes) {
  harness.modules.on(Question::authorize,
                     [](const Asked& each) { each.to == "n1" ? each.no() : each.yes(); });
  EXPECT_EQ(ask(ann, ids(3)), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(ask(ann, {}), std::vector<bool>());
  harness.modules.on(Question::authorize, [](const Asked& each) { each.fail(CROLANG_TIMEOUT); });
  EXPECT_EQ(ask(ann, ids(3)), std::vector<bool>());
  EXPECT_EQ(authorization.open(), 0u);
}

}  // namespace
}  // namespace crolang::broker
