#include "redis-registry/shard_plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>

#include "redis-registry/reply_reader.hpp"

namespace crolang::redis_registry {
namespace {

using std::nullopt;
using testing::ElementsAre;
using Owners = std::vector<std::uint16_t>;

HostPort node(std::uint16_t port) {
  return {"a", port};
}

/// A range of slots, and the port of who serves it.
struct Range {
  std::size_t first;
  std::size_t last;
  std::uint16_t port;
};

SlotMap map_of(const std::vector<Range>& ranges) {
  std::string bytes = "*" + std::to_string(ranges.size()) + "\r\n";
  for (const Range& each : ranges) {
    bytes += "*3\r\n:" + std::to_string(each.first) + "\r\n:" + std::to_string(each.last) +
             "\r\n*2\r\n$1\r\na\r\n:" + std::to_string(each.port) + "\r\n";
  }
  ReplyReader reader(1 << 20);
  reader.feed(bytes);
  return *SlotMap::read(*reader.next(), node(1));
}

Owners owners_of(const std::vector<std::pair<std::size_t, std::uint16_t>>& from) {
  Owners owners(SlotMap::kSlots, kNoShard);
  for (const auto& [first, shard] : from) {
    std::fill(owners.begin() + static_cast<std::ptrdiff_t>(first), owners.end(), shard);
  }
  return owners;
}

constexpr std::size_t kLast = SlotMap::kSlots - 1;

std::vector<std::optional<std::size_t>> plan(std::vector<std::optional<HostPort>> masters,
                                             const Owners& owners,
                                             const std::vector<Range>& ranges) {
  return plan_shards(masters, owners, map_of(ranges)).continues;
}

TEST(ShardPlan, GivesTheFirstShardOfAllToOneMaster) {
  EXPECT_THAT(plan({nullopt}, Owners(SlotMap::kSlots, 0), {{0, 99, 1}, {100, kLast, 2}}),
              ElementsAre(nullopt, 0));
}

TEST(ShardPlan, LeavesAMasterItsShardWhateverElseItGets) {
  const Owners owners = owners_of({{0, 0}, {8000, 1}});
  EXPECT_THAT(plan({node(1), node(2)}, owners, {{0, 10, 1}, {11, kLast, 2}}), ElementsAre(0, 1));
  EXPECT_THAT(plan({node(1), node(2)}, owners, {{0, 7999, 2}, {8000, kLast, 1}}),
              ElementsAre(1, 0));
}

TEST(ShardPlan, LetsAPromotedReplicaContinueTheShardOfItsMaster) {
  const Owners owners = owners_of({{0, 0}, {5000, 1}, {10'000, 2}});
  EXPECT_THAT(plan({node(1), node(2), node(3)}, owners,
                   {{0, 4999, 1}, {5000, 9999, 12}, {10'000, kLast, 3}}),
              ElementsAre(0, 1, 2));
}

TEST(ShardPlan, TellsTwoPromotedReplicasApart) {
  const Owners owners = owners_of({{0, 0}, {8000, 1}});
  // Between the two answers a few slots were moved, too.
  EXPECT_THAT(plan({node(1), node(2)}, owners, {{0, 8100, 11}, {8101, kLast, 12}}),
              ElementsAre(0, 1));
  EXPECT_THAT(plan({node(1), node(2)}, owners, {{0, 7000, 11}, {7001, kLast, 12}}),
              ElementsAre(0, 1));
}

TEST(ShardPlan, MakesANewShardForAMasterThatGetsSlotsOfLivingOnes) {
  const Owners owners = owners_of({{0, 0}, {8000, 1}});
  EXPECT_THAT(plan({node(1), node(2)}, owners, {{0, 3999, 1}, {4000, 7999, 9}, {8000, kLast, 2}}),
              ElementsAre(0, nullopt, 1));
}

TEST(ShardPlan, LetsNobodyContinueAShardWhoseSlotsWereMovedToOthers) {
  const Owners owners = owners_of({{0, 0}, {8000, 1}});
  EXPECT_THAT(plan({node(1), node(2)}, owners, {{0, kLast, 2}}), ElementsAre(1));
}

TEST(ShardPlan, KnowsAMasterThatHasHadNoSlotsYet) {
  // It was asked for a key that was on its way.
  const Owners owners(SlotMap::kSlots, 0);
  EXPECT_THAT(plan({node(1), node(9)}, owners, {{0, 99, 9}, {100, kLast, 1}}), ElementsAre(1, 0));
}

TEST(ShardPlan, HasNothingToContinueInSlotsThatNobodyServed) {
  const Owners owners(SlotMap::kSlots, kNoShard);
  EXPECT_THAT(plan({node(1)}, owners, {{0, kLast, 2}}), ElementsAre(nullopt));
}

}  // namespace
}  // namespace crolang::redis_registry
