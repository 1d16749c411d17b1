#include "net/drain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace crolang::net {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Counts = std::vector<std::size_t>;

std::size_t sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

/// Slices in which nodes leave, once for each.
Counts leaving(std::size_t nodes, std::size_t slices) {
  Counts when;
  std::size_t left = nodes;
  for (std::size_t slice = 0; slice < slices; ++slice) {
    for (; left > may_stay(nodes, slice, slices); --left) when.push_back(slice);
  }
  EXPECT_EQ(left, 0U);
  return when;
}

TEST(MayStay, LetsFewNodesLeaveOverTheWholeTime) {
  EXPECT_THAT(leaving(4, 80), ElementsAre(0, 20, 40, 60));
  const Counts hundred = leaving(100, 320);
  ASSERT_EQ(hundred.size(), 100U);
  for (std::size_t i = 0; i < hundred.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(hundred[i]), static_cast<double>(i) * 3.2, 1.0) << i;
  }
}

TEST(MayStay, LetsASingleNodeLeaveAtOnce) {
  EXPECT_THAT(leaving(1, 320), ElementsAre(0));
}

TEST(MayStay, LetsManyNodesLeaveInEqualShares) {
  const Counts when = leaving(20'000, 80);
  Counts of_slice(80);
  for (const std::size_t slice : when) ++of_slice[slice];
  EXPECT_THAT(of_slice, Each(250U));
}

TEST(MayStay, KeepsNobodyBehindTheLastSlice) {
  EXPECT_EQ(may_stay(20'000, 0, 1), 0U);
  EXPECT_EQ(may_stay(20'000, 79, 80), 0U);
  EXPECT_EQ(may_stay(20'000, 1000, 80), 0U);
}

TEST(StayOn, DisconnectsNodesOfTheWorkersWithTheMost) {
  EXPECT_THAT(stay_on({10, 3, 0}, 12), ElementsAre(9, 3, 0));
  EXPECT_THAT(stay_on({10, 3, 0}, 5), ElementsAre(3, 2, 0));
  EXPECT_THAT(stay_on({0, 100, 0}, 99), ElementsAre(0, 99, 0));
}

TEST(StayOn, AlternatesBetweenEqualWorkers) {
  Counts nodes(4, 25);
  for (std::size_t left = 99; left > 0; --left) {
    nodes = stay_on(nodes, left);
    EXPECT_EQ(sum(nodes), left);
    const auto [least, most] = std::minmax_element(nodes.begin(), nodes.end());
    EXPECT_LE(*most - *least, 1U) << "with " << left << " left";
  }
}

TEST(StayOn, DisconnectsNobodyWhileEnoughHaveLeft) {
  EXPECT_THAT(stay_on({2, 1}, 3), ElementsAre(2, 1));
  EXPECT_THAT(stay_on({2, 1}, 10), ElementsAre(2, 1));
}

TEST(StayOn, EmptiesAll) {
  EXPECT_THAT(stay_on({7, 0, 5000}, 0), Each(0U));
  EXPECT_THAT(stay_on({}, 0), IsEmpty());
}

}  // namespace
}  // namespace crolang::net
