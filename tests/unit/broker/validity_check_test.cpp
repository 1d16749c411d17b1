#include "broker/validity_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::ElementsAre;
using testing::Harness;
using ::testing::IsEmpty;
using testing::Question;
using ::testing::UnorderedElementsAre;

class ValidityCheckTest : public ::testing::Test {
 protected:
  void pass(std::chrono::milliseconds time) {
    harness.pass(time);
    validity_check.tick(harness.now);
    harness.run_iteration();
  }
  std::size_t questions() const { return harness.modules.count(Question::check_validity); }
  /// All but these are valid.
  static testing::ScriptedModules::Script all_but(std::string id) {
    return [id](const Asked& asked) {
      std::vector<bool> flags;
      for (const std::string& one : asked.ids) flags.push_back(one != id);
      asked.flags(flags);
    };
  }

  Harness harness;
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
  ValidityCheck validity_check{harness.shared, harness.clients, 30s, harness.now};
};

TEST_F(ValidityCheckTest, AsksAboutAllNodesAtEachInterval) {
  pass(29'999ms);
  EXPECT_EQ(questions(), 0u);

  pass(1ms);

  ASSERT_EQ(questions(), 1u);
  EXPECT_THAT(harness.modules.last(Question::check_validity).ids,
              UnorderedElementsAre("ann", "bob"));
  EXPECT_EQ(validity_check.deadline(), harness.now + 30s);
  pass(30s);
  EXPECT_EQ(questions(), 2u);
}

TEST_F(ValidityCheckTest, DisconnectsExactlyTheInvalidNodes) {
  harness.modules.on(Question::check_validity, all_but("bob"));

  pass(30s);

  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_THAT(harness.sent(ann), IsEmpty());
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_TRUE(harness.shared.directory.find("ann"));
  EXPECT_EQ(harness.counters.value(telemetry::Counter::closed_invalid_node), 1u);
}

TEST_F(ValidityCheckTest, DisconnectsAlsoAfterALateAnswer) {
  harness.modules.keep(Question::check_validity);
  pass(30s);

  all_but("ann")(harness.modules.last(Question::check_validity));
  harness.run_iteration();

  EXPECT_THAT(harness.sent(ann), ElementsAre("41", "close"));
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(ValidityCheckTest, LeavesAllNodesConnectedIfTheModuleIsUnavailable) {
  for (const crolang_status status : {CROLANG_UNAVAILABLE, CROLANG_INVALID, CROLANG_INTERNAL}) {
    harness.modules.on(Question::check_validity, [&](const Asked& asked) { asked.fail(status); });
    pass(30s);
  }

  EXPECT_EQ(questions(), 3u);
  EXPECT_EQ(harness.shared.directory.size(), 2u);
}

TEST_F(ValidityCheckTest, LeavesAllNodesConnectedAfterAnAnswerOfWrongLength) {
  harness.modules.on(Question::check_validity, [](const Asked& asked) { asked.flags({false}); });

  pass(30s);

  EXPECT_EQ(harness.shared.directory.size(), 2u);
}

TEST_F(ValidityCheckTest, HasOneQuestionOpenAtATime) {
  harness.modules.keep(Question::check_validity);
  pass(30s);
  validity_check.tick(harness.now + 30s);
  validity_check.tick(harness.now + 60s);

  EXPECT_EQ(questions(), 1u);
}

TEST_F(ValidityCheckTest, AsksAgainAfterAnAnswerThatNeverCame) {
  harness.modules.keep(Question::check_validity);
  pass(30s);
  pass(29s);  // gives the question up

  pass(1s);

  EXPECT_EQ(questions(), 2u);
}

// ---- Pages --------------------------------------------------------------------------------------

class ValidityCheckInPages : public ::testing::Test {
 protected:
  ValidityCheckInPages() {
    for (const char* id : {"a", "b", "c", "d", "e"}) harness.join(id);
  }
  static Policy two_at_a_time() {
    Policy policy;
    policy.max_validity_ids = 2;
    return policy;
  }
  void pass(std::chrono::milliseconds time) {
    harness.pass(time);
    run_iteration();
  }
  void run_iteration() {
    validity_check.tick(harness.now);
    harness.run_iteration();
  }
  std::size_t questions() const { return harness.modules.count(Question::check_validity); }
  const std::vector<std::string>& last() {
    return harness.modules.last(Question::check_validity).ids;
  }

  Harness harness{two_at_a_time()};
  ValidityCheck validity_check{harness.shared, harness.clients, 30s, harness.now};
};

TEST_F(ValidityCheckInPages, AsksAboutEveryNodeOnceOnePagePerIteration) {
  std::vector<std::string> all;
  std::vector<std::size_t> sizes;
  for (pass(30s); questions() > sizes.size(); run_iteration()) {
    all.insert(all.end(), last().begin(), last().end());
    sizes.push_back(last().size());
  }

  EXPECT_THAT(sizes, ElementsAre(2u, 2u, 1u));
  EXPECT_THAT(all, UnorderedElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(validity_check.deadline(), harness.now + 30s);
}

TEST_F(ValidityCheckInPages, IsDueAtOnceWhileThereAreMore) {
  pass(30s);
  // And not earlier: its worker would postpone all timeouts and pings.
  EXPECT_EQ(validity_check.deadline(), harness.now);
}

TEST_F(ValidityCheckInPages, AsksOneAfterTheOther) {
  harness.modules.keep(Question::check_validity);
  pass(30s);
  run_iteration();
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(validity_check.deadline(), harness.now + 30s);

  harness.modules.last(Question::check_validity).flags({true, true});
  harness.run_iteration();
  run_iteration();

  EXPECT_EQ(questions(), 2u);
}

TEST_F(ValidityCheckInPages, LosesNothingButAPageThatFails) {
  std::vector<std::string> lost;
  harness.modules.on(Question::check_validity, [&](const Asked& asked) {
    if (lost.empty()) {
      lost = asked.ids;
      return asked.fail(CROLANG_UNAVAILABLE);
    }
    asked.flags(std::vector<bool>(asked.ids.size(), false));
  });

  pass(30s);
  for (int i = 0; i < 3; ++i) run_iteration();

  ASSERT_EQ(lost.size(), 2u);
  EXPECT_EQ(harness.shared.directory.size(), 2u);
  for (const std::string& id : lost) EXPECT_TRUE(harness.shared.directory.find(id)) << id;
}

TEST_F(ValidityCheckInPages, ContinuesWithTheNextPageAfterAMissingAnswer) {
  harness.modules.keep(Question::check_validity);
  pass(30s);
  const auto first = last();
  pass(29s);  // gives the question up
  run_iteration();

  EXPECT_EQ(questions(), 2u);
  EXPECT_NE(last(), first);
}

TEST_F(ValidityCheckInPages, BeginsNoCheckWhileOneIsInProgress) {
  harness.modules.keep(Question::check_validity);
  pass(30s);
  validity_check.tick(harness.now + 30s);
  validity_check.tick(harness.now + 60s);

  EXPECT_EQ(questions(), 1u);
}

TEST_F(ValidityCheckTest, AsksNothingWithoutNodes) {
  harness.cut(ann);
  harness.cut(bob);

  pass(30s);

  EXPECT_EQ(questions(), 0u);
}

TEST_F(ValidityCheckTest, DoesNotAffectASuccessorInTheSameSlot) {
  harness.modules.keep(Question::check_validity);
  pass(30s);
  const Asked asked = harness.modules.last(Question::check_validity);
  const std::uint32_t slot = bob.handle().slot;
  harness.cut(bob);
  Node& eve = harness.join("eve");
  ASSERT_EQ(eve.handle().slot, slot);

  all_but("bob")(asked);
  harness.run_iteration();

  EXPECT_THAT(harness.sent(eve), IsEmpty());
  EXPECT_TRUE(harness.shared.directory.find("eve"));
}

}  // namespace
}  // namespace crolang::broker
