#include "broker/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/broker/house.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::ElementsAre;
using testing::House;
using ::testing::IsEmpty;
using testing::Question;
using testing::Session;
using ::testing::UnorderedElementsAre;

class SweepTest : public ::testing::Test {
 protected:
  void pass(std::chrono::milliseconds time) {
    house.pass(time);
    sweep.tick(house.now);
    house.turn();
  }
  std::size_t questions() const { return house.modules.count(Question::check_validity); }
  /// All but these are valid.
  static testing::ScriptedModules::Script all_but(std::string id) {
    return [id](const Asked& asked) {
      std::vector<bool> flags;
      for (const std::string& one : asked.ids) flags.push_back(one != id);
      asked.flags(flags);
    };
  }

  House house;
  Session& ann = house.join("ann");
  Session& bob = house.join("bob");
  Sweep sweep{house.grid, house.clients, 30s, house.now};
};

TEST_F(SweepTest, AsksAboutAllNodesAtEachInterval) {
  pass(29'999ms);
  EXPECT_EQ(questions(), 0u);

  pass(1ms);

  ASSERT_EQ(questions(), 1u);
  EXPECT_THAT(house.modules.last(Question::check_validity).ids, UnorderedElementsAre("ann", "bob"));
  EXPECT_EQ(sweep.deadline(), house.now + 30s);
  pass(30s);
  EXPECT_EQ(questions(), 2u);
}

TEST_F(SweepTest, DisconnectsExactlyThoseWhoAreNotValid) {
  house.modules.on(Question::check_validity, all_but("bob"));

  pass(30s);

  EXPECT_THAT(house.sent(bob), ElementsAre("41", "close"));
  EXPECT_THAT(house.sent(ann), IsEmpty());
  EXPECT_FALSE(house.grid.directory.find("bob"));
  EXPECT_TRUE(house.grid.directory.find("ann"));
  EXPECT_EQ(house.counters.value(telemetry::Counter::closed_invalid_node), 1u);
}

TEST_F(SweepTest, DisconnectsAsWellWhenTheAnswerComesLater) {
  house.modules.keep(Question::check_validity);
  pass(30s);

  all_but("ann")(house.modules.last(Question::check_validity));
  house.turn();

  EXPECT_THAT(house.sent(ann), ElementsAre("41", "close"));
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(SweepTest, LeavesEverybodyConnectedIfNobodyCanBeAsked) {
  for (const crolang_status status : {CROLANG_UNAVAILABLE, CROLANG_INVALID, CROLANG_INTERNAL}) {
    house.modules.on(Question::check_validity, [&](const Asked& asked) { asked.fail(status); });
    pass(30s);
  }

  EXPECT_EQ(questions(), 3u);
  EXPECT_EQ(house.grid.directory.size(), 2u);
}

TEST_F(SweepTest, LeavesEverybodyConnectedAfterAnAnswerOfAnotherLength) {
  house.modules.on(Question::check_validity, [](const Asked& asked) { asked.flags({false}); });

  pass(30s);

  EXPECT_EQ(house.grid.directory.size(), 2u);
}

TEST_F(SweepTest, HasOneQuestionOpenAtATime) {
  house.modules.keep(Question::check_validity);
  pass(30s);
  sweep.tick(house.now + 30s);
  sweep.tick(house.now + 60s);

  EXPECT_EQ(questions(), 1u);
}

TEST_F(SweepTest, AsksAgainAfterAnAnswerThatNeverCame) {
  house.modules.keep(Question::check_validity);
  pass(30s);
  pass(29s);  // gives the question up

  pass(1s);

  EXPECT_EQ(questions(), 2u);
}

// ---- Pages --------------------------------------------------------------------------------------

class SweepInPages : public ::testing::Test {
 protected:
  SweepInPages() {
    for (const char* id : {"a", "b", "c", "d", "e"}) house.join(id);
  }
  static Policy two_at_a_time() {
    Policy policy;
    policy.max_validity_ids = 2;
    return policy;
  }
  void pass(std::chrono::milliseconds time) {
    house.pass(time);
    turn();
  }
  void turn() {
    sweep.tick(house.now);
    house.turn();
  }
  std::size_t questions() const { return house.modules.count(Question::check_validity); }
  const std::vector<std::string>& last() {
    return house.modules.last(Question::check_validity).ids;
  }

  House house{two_at_a_time()};
  Sweep sweep{house.grid, house.clients, 30s, house.now};
};

TEST_F(SweepInPages, AsksAboutEveryNodeOnceOnePageInATurn) {
  std::vector<std::string> all;
  std::vector<std::size_t> sizes;
  for (pass(30s); questions() > sizes.size(); turn()) {
    all.insert(all.end(), last().begin(), last().end());
    sizes.push_back(last().size());
  }

  EXPECT_THAT(sizes, ElementsAre(2u, 2u, 1u));
  EXPECT_THAT(all, UnorderedElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(sweep.deadline(), house.now + 30s);
}

TEST_F(SweepInPages, IsDueAtOnceWhileThereAreMore) {
  pass(30s);
  EXPECT_LE(sweep.deadline(), house.now);
}

TEST_F(SweepInPages, AsksOneAfterTheOther) {
  house.modules.keep(Question::check_validity);
  pass(30s);
  turn();
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(sweep.deadline(), house.now + 30s);

  house.modules.last(Question::check_validity).flags({true, true});
  house.turn();
  turn();

  EXPECT_EQ(questions(), 2u);
}

TEST_F(SweepInPages, LosesNothingButAPageThatFails) {
  std::vector<std::string> lost;
  house.modules.on(Question::check_validity, [&](const Asked& asked) {
    if (lost.empty()) {
      lost = asked.ids;
      return asked.fail(CROLANG_UNAVAILABLE);
    }
    asked.flags(std::vector<bool>(asked.ids.size(), false));
  });

  pass(30s);
  for (int i = 0; i < 3; ++i) turn();

  ASSERT_EQ(lost.size(), 2u);
  EXPECT_EQ(house.grid.directory.size(), 2u);
  for (const std::string& id : lost) EXPECT_TRUE(house.grid.directory.find(id)) << id;
}

TEST_F(SweepInPages, GoesOnWithTheNextPageAfterAnAnswerThatNeverCame) {
  house.modules.keep(Question::check_validity);
  pass(30s);
  const auto first = last();
  pass(29s);  // gives the question up
  turn();

  EXPECT_EQ(questions(), 2u);
  EXPECT_NE(last(), first);
}

TEST_F(SweepInPages, BeginsNoCheckWhileOneIsUnderWay) {
  house.modules.keep(Question::check_validity);
  pass(30s);
  sweep.tick(house.now + 30s);
  sweep.tick(house.now + 60s);

  EXPECT_EQ(questions(), 1u);
}

TEST_F(SweepTest, AsksNothingWhileNobodyIsHere) {
  house.cut(ann);
  house.cut(bob);

  pass(30s);

  EXPECT_EQ(questions(), 0u);
}

TEST_F(SweepTest, DoesNotTouchASuccessorInTheSamePlace) {
  house.modules.keep(Question::check_validity);
  pass(30s);
  const Asked asked = house.modules.last(Question::check_validity);
  const std::uint32_t slot = bob.handle().slot;
  house.cut(bob);
  Session& eve = house.join("eve");
  ASSERT_EQ(eve.handle().slot, slot);

  all_but("bob")(asked);
  house.turn();

  EXPECT_THAT(house.sent(eve), IsEmpty());
  EXPECT_TRUE(house.grid.directory.find("eve"));
}

}  // namespace
}  // namespace crolang::broker
