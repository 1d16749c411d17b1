#include "broker/refused_ids_sync.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using testing::Asked;
using ::testing::ElementsAre;
using testing::Harness;
using ::testing::IsEmpty;
using testing::Question;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class RefusedIdsSyncTest : public ::testing::Test {
 protected:
  void pass(std::chrono::milliseconds time) {
    harness.pass(time);
    sync.tick(harness.now);
    harness.run_iteration();
  }
  std::size_t lists() const { return harness.modules.count(Question::list_entries); }
  std::vector<std::string> set() const {
    std::vector<std::string> names;
    for (const Asked& asked : harness.modules.asked(Question::set_entry)) {
      names.push_back(refused_id_of(asked.entry)->id);
    }
    return names;
  }
  std::vector<std::string> refused() const {
    std::vector<std::string> ids;
    for (const RefusedId& each : harness.shared.refused_ids.all(std::chrono::system_clock::now())) {
      ids.push_back(each.id);
    }
    return ids;
  }
  void settle_last(crolang_status status) {
    const Asked& asked = harness.modules.last(Question::set_entry);
    if (status == CROLANG_OK) {
      asked.done();
    } else {
      asked.fail(status);
    }
    harness.run_iteration();
  }
  static modules::Entry entry(std::string id) {
    return entry_of({std::move(id), std::chrono::system_clock::now() + 1h, "spam"});
  }
  void answer(std::int32_t outcome, std::string version, std::vector<modules::Entry> entries) {
    harness.modules.on(Question::list_entries, [=](const Asked& asked) {
      if (asked.known_version == version) {
        asked.entries(CROLANG_UNCHANGED, version, {});
      } else {
        asked.entries(outcome, version, entries);
      }
    });
  }

  Harness harness;
  Node& ann = harness.join("ann");
  Node& bob = harness.join("bob");
  RefusedIdsSync sync{harness.shared, harness.clients, harness.now};
};

TEST_F(RefusedIdsSyncTest, AsksAtOnceAndThenTwiceASecond) {
  pass(0ms);
  EXPECT_EQ(lists(), 1U);
  EXPECT_EQ(sync.deadline(), harness.now + 500ms);
  pass(499ms);
  EXPECT_EQ(lists(), 1U);
  pass(1ms);
  EXPECT_EQ(lists(), 2U);
}

TEST_F(RefusedIdsSyncTest, WaitsForAnAnswer) {
  harness.modules.keep(Question::list_entries);
  pass(0ms);
  EXPECT_EQ(sync.deadline(), RefusedIdsSync::TimePoint::max());
  pass(2s);
  EXPECT_EQ(lists(), 1U);
  harness.modules.last(Question::list_entries).fail(CROLANG_UNAVAILABLE);
  harness.run_iteration();
  pass(500ms);
  EXPECT_EQ(lists(), 2U);
}

TEST_F(RefusedIdsSyncTest, LearnsWhatOthersRefuseAndDisconnectsThoseNodes) {
  answer(CROLANG_CHANGED, "1", {entry("bob"), entry("carol"), {"other", "", 5}});
  pass(0ms);
  EXPECT_THAT(refused(), ElementsAre("bob", "carol"));
  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(ann.state(), session::State::joined);
  EXPECT_EQ(harness.counters.value(telemetry::Counter::closed_operator), 1U);
  pass(500ms);
  EXPECT_EQ(harness.modules.last(Question::list_entries).known_version, "1");
  EXPECT_THAT(refused(), ElementsAre("bob", "carol"));
}

TEST_F(RefusedIdsSyncTest, LearnsWhatOthersHaveLifted) {
  answer(CROLANG_CHANGED, "1", {entry("carol"), entry("dave")});
  pass(0ms);
  answer(CROLANG_CHANGED, "2", {entry("dave")});
  pass(500ms);
  EXPECT_THAT(refused(), ElementsAre("dave"));
  EXPECT_THAT(set(), IsEmpty());
}

TEST_F(RefusedIdsSyncTest, KeepsWhatItKnowsWhileTheRegistryIsAway) {
  answer(CROLANG_CHANGED, "1", {entry("carol")});
  pass(0ms);
  harness.modules.on(Question::list_entries,
                     [](const Asked& asked) { asked.fail(CROLANG_UNAVAILABLE); });
  pass(500ms);
  EXPECT_THAT(refused(), ElementsAre("carol"));
  harness.shared.registry_available = false;
  const std::size_t asked = lists();
  pass(5s);
  EXPECT_EQ(lists(), asked);
  EXPECT_THAT(refused(), ElementsAre("carol"));
}

TEST_F(RefusedIdsSyncTest, SetsAgainWhatTheRegistryHasLost) {
  answer(CROLANG_CHANGED, "1", {entry("carol"), entry("dave")});
  pass(0ms);
  answer(CROLANG_ENTRIES_LOST, "2", {entry("dave"), entry("bob")});
  pass(500ms);
  EXPECT_THAT(refused(), ElementsAre("bob", "carol", "dave"));
  EXPECT_THAT(set(), ElementsAre("carol"));
  EXPECT_EQ(bob.state(), session::State::closing);
}

TEST_F(RefusedIdsSyncTest, SetsThemOneAfterTheOtherAndTriesAgain) {
  answer(CROLANG_CHANGED, "1", {entry("carol"), entry("dave")});
  pass(0ms);
  answer(CROLANG_ENTRIES_LOST, "", {});
  harness.modules.keep(Question::set_entry);
  pass(500ms);
  ASSERT_THAT(set(), SizeIs(1));
  settle_last(CROLANG_OK);
  EXPECT_THAT(set(), UnorderedElementsAre("carol", "dave"));
  settle_last(CROLANG_UNAVAILABLE);
  const std::string failed = set().back();
  EXPECT_THAT(set(), SizeIs(2));
  pass(500ms);
  ASSERT_THAT(set(), SizeIs(3));
  EXPECT_EQ(set().back(), failed);
  settle_last(CROLANG_OK);
  answer(CROLANG_CHANGED, "3", {entry("carol"), entry("dave")});
  pass(500ms);
  EXPECT_THAT(set(), SizeIs(3));
  EXPECT_THAT(refused(), ElementsAre("carol", "dave"));
}

TEST_F(RefusedIdsSyncTest, LearnsWhatOthersChangeWhileItSetsAgain) {
  answer(CROLANG_CHANGED, "1", {entry("carol"), entry("dave"), entry("eve")});
  pass(0ms);
  answer(CROLANG_ENTRIES_LOST, "", {});
  harness.modules.keep(Question::set_entry);
  pass(500ms);
  const std::string first = set().front();
  // It has taken so long that the next question is due. Others have set two of them, and bob.
  std::vector<modules::Entry> there{entry("bob"), entry(first)};
  std::string last;
  for (const std::string id : {"carol", "dave", "eve"}) {
    if (id == first) continue;
    if (there.size() < 3) {
      there.push_back(entry(id));
    } else {
      last = id;
    }
  }
  answer(CROLANG_CHANGED, "2", there);
  pass(500ms);
  settle_last(CROLANG_OK);
  pass(0ms);
  EXPECT_EQ(bob.state(), session::State::closing);
  EXPECT_THAT(refused(), ElementsAre("bob", "carol", "dave", "eve"));
  EXPECT_THAT(set(), ElementsAre(first, last));
}

TEST_F(RefusedIdsSyncTest, DoesNotSetAgainWhatWasLiftedMeanwhile) {
  answer(CROLANG_CHANGED, "1", {entry("carol"), entry("dave")});
  pass(0ms);
  answer(CROLANG_ENTRIES_LOST, "", {});
  harness.modules.keep(Question::set_entry);
  pass(500ms);
  harness.shared.refused_ids.erase(set().front() == "carol" ? "dave" : "carol");
  settle_last(CROLANG_OK);
  EXPECT_THAT(set(), SizeIs(1));
}

TEST_F(RefusedIdsSyncTest, LearnsWhatOthersChangeWhileTheRegistryHasNoRoom) {
  answer(CROLANG_CHANGED, "1", {entry("carol"), entry("dave")});
  pass(0ms);
  answer(CROLANG_ENTRIES_LOST, "2", {});
  harness.modules.on(Question::set_entry, [](const Asked& asked) { asked.fail(CROLANG_INVALID); });
  pass(500ms);
  EXPECT_THAT(set(), SizeIs(1));
  answer(CROLANG_CHANGED, "3", {entry("bob")});
  pass(500ms);
  EXPECT_EQ(bob.state(), session::State::closing);
  EXPECT_THAT(refused(), ElementsAre("bob", "carol", "dave"));
  // The next one a minute later.
  EXPECT_THAT(set(), SizeIs(1));
  pass(1min);
  EXPECT_THAT(set(), UnorderedElementsAre("carol", "dave"));
  harness.modules.on(Question::set_entry, [](const Asked& asked) { asked.done(); });
  pass(1min);
  EXPECT_THAT(set(), SizeIs(4));
}

TEST_F(RefusedIdsSyncTest, IsStartedByTheBroker) {
  answer(CROLANG_CHANGED, "1", {entry("bob")});
  harness.broker.start_refused_ids_sync(harness.now);
  EXPECT_EQ(harness.broker.work_due(), harness.now);
  harness.broker.tick();
  harness.run_iteration();
  EXPECT_EQ(bob.state(), session::State::closing);
}

}  // namespace
}  // namespace crolang::broker
