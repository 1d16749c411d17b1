#include "broker/refused_ids.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crolang/plugin.h"
#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::Harness;
using ::testing::IsEmpty;

const WallTime kNow{1'767'323'045'678ms};

RefusedId refused(std::string id, std::chrono::milliseconds time = 1h, std::string reason = {}) {
  return {std::move(id), kNow + time, std::move(reason)};
}

TEST(RefusedIds, AreFoundUntilTheirTimeIsOver) {
  RefusedIds ids;
  EXPECT_EQ(ids.find("bob", kNow), std::nullopt);
  ids.put(refused("bob", 1h, "spam"), kNow);
  EXPECT_EQ(ids.find("bob", kNow), refused("bob", 1h, "spam"));
  EXPECT_EQ(ids.find("bo", kNow), std::nullopt);
  EXPECT_EQ(ids.find("bob", kNow + 1h - 1ms), refused("bob", 1h, "spam"));
  EXPECT_EQ(ids.find("bob", kNow + 1h), std::nullopt);
  EXPECT_THAT(ids.all(kNow + 1h), IsEmpty());
}

TEST(RefusedIds, AreListedByTheirIds) {
  RefusedIds ids;
  ids.put(refused("b"), kNow);
  ids.put(refused("a"), kNow);
  ids.put(refused("b", 2h), kNow);
  EXPECT_THAT(ids.all(kNow), ElementsAre(refused("a"), refused("b", 2h)));
  ids.erase("b");
  EXPECT_THAT(ids.all(kNow), ElementsAre(refused("a")));
  EXPECT_EQ(ids.size(), 1U);
}

TEST(RefusedIds, AreReplacedByWhatTheGridHas) {
  RefusedIds ids;
  ids.put(refused("lifted"), kNow);
  ids.put(refused("stays"), kNow);
  EXPECT_THAT(ids.replace({refused("stays", 2h), refused("new"), refused("over", -1ms)}, kNow),
              ElementsAre(refused("new")));
  EXPECT_THAT(ids.all(kNow), ElementsAre(refused("new"), refused("stays", 2h)));
}

TEST(RefusedIds, AreKeptIfTheGridHasLostThem) {
  RefusedIds ids;
  ids.put(refused("lost"), kNow);
  ids.put(refused("over", -1ms), kNow);
  ids.put(refused("both", 1h), kNow);
  EXPECT_EQ(ids.size(), 2U);
  const auto merged = ids.merge({refused("both", 2h), refused("new")}, kNow);
  EXPECT_THAT(merged.missing, ElementsAre(refused("lost")));
  EXPECT_THAT(merged.added, ElementsAre(refused("new")));
  EXPECT_THAT(ids.all(kNow), ElementsAre(refused("both", 2h), refused("lost"), refused("new")));
}

TEST(RefusedIds, AreEntriesOfTheSharedTable) {
  const RefusedId one = refused("bob:ä", 1h, "spam");
  EXPECT_EQ(refused_id_of(entry_of(one)), one);
  EXPECT_EQ(removal_of("bob").name, entry_of(refused("bob")).name);
  EXPECT_EQ(removal_of("bob").expires_at, 0U);
  EXPECT_EQ(refused_id_of({"something else", "", 5}), std::nullopt);
  EXPECT_LE(entry_of(refused("bob", 1h, std::string(5000, 'x'))).value.size(),
            CROLANG_MAX_ENTRY_VALUE);
  EXPECT_TRUE(can_be_refused(std::string(1000, 'x')));
  EXPECT_FALSE(can_be_refused(std::string(CROLANG_MAX_ENTRY_NAME, 'x')));
  EXPECT_FALSE(can_be_refused(""));
}

TEST(RefusedIds, AreDescribedForTheLog) {
  EXPECT_EQ(describe(refused("bob", 0ms, "spam")),
            "refused by an operator until 2026-01-02T03:04:05.678Z: spam");
  EXPECT_EQ(describe(refused("bob", 0ms)), "refused by an operator until 2026-01-02T03:04:05.678Z");
}

// ---- In the broker

RefusedId refused_now(std::string id) {
  return {std::move(id), std::chrono::system_clock::now() + 1h, "spam"};
}

TEST(RefusedIds, KeepANodeOutWithoutAskingAnybody) {
  Harness harness;
  harness.shared.refused_ids.put(refused_now("bob"), std::chrono::system_clock::now());
  Node& bob = harness.request_upgrade(testing::query_of("bob"));
  harness.broker.admit(bob);
  EXPECT_TRUE(harness.upgrade_result(bob).open);
  harness.say(bob, "40");
  EXPECT_THAT(harness.sent(bob),
              ElementsAre(::testing::StartsWith("0{"), R"(44{"message":"authentication failed"})"));
  EXPECT_THAT(harness.modules.asked(), IsEmpty());
  EXPECT_EQ(harness.counters.value(telemetry::Counter::refused_operator), 1U);
  EXPECT_EQ(harness.counters.value(telemetry::Counter::refused_authentication), 0U);
}

TEST(RefusedIds, KeepANodeOutThatIsBeingAdmitted) {
  Harness harness;
  Node& bob = harness.request_upgrade(testing::query_of("bob"));
  harness.broker.admit(bob);
  harness.shared.refused_ids.put(refused_now("bob"), std::chrono::system_clock::now());
  harness.say(bob, "40");
  harness.settle();
  EXPECT_THAT(harness.sent(bob),
              ElementsAre(::testing::StartsWith("0{"), R"(44{"message":"authentication failed"})"));
  EXPECT_FALSE(harness.shared.directory.find("bob"));
  EXPECT_EQ(harness.modules.count(testing::Question::release), 1U);
  EXPECT_EQ(bob.token(), 0U);
}

}  // namespace
}  // namespace crolang::broker
