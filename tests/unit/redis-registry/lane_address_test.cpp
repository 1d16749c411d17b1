#include "redis-registry/lane_address.hpp"

#include <gmock/gmock.h>

#include <array>
#include <set>
#include <string>

namespace crolang::redis_registry {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

constexpr std::array kNumbers{1u, 2u, 3u, 4u, 5u, 7u, 8u, 16u, 48u, 64u, 256u};

/// The lane of a broker with so many that is reached there; fails unless there is exactly one.
std::size_t lane_at(const std::string& address, const std::string& instance, std::size_t lanes) {
  std::size_t found = lanes;
  int count = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    for (const std::string& each : LaneAddress(instance, lane, lanes).all()) {
      if (each != address) continue;
      found = lane;
      ++count;
    }
  }
  EXPECT_EQ(count, 1) << address;
  return found;
}

TEST(LaneAddress, NamesTheBroker) {
  EXPECT_EQ(LaneAddress("a:b", 3, 4).own(), "{a:b}:3");
  EXPECT_EQ(LaneAddress::instance_of("{a:b}:3"), "a:b");
  EXPECT_EQ(LaneAddress::instance_of(LaneAddress::of("}:", 3)), "}:");
  for (const std::string other : {"", "rubbish", "a:b:3", "{a", "a}:3"}) {
    EXPECT_EQ(LaneAddress::instance_of(other), other);
  }
}

TEST(LaneAddress, DealsTheChannelsOut) {
  EXPECT_THAT(LaneAddress("x", 1, 16).all(), ElementsAre("{x}:1", "{x}:17", "{x}:33"));
  EXPECT_THAT(LaneAddress("x", 60, 64).all(), ElementsAre("{x}:60"));
  for (const std::size_t lanes : kNumbers) {
    std::set<std::string> all;
    std::size_t count = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      for (const std::string& each : LaneAddress("x", lane, lanes).all()) {
        all.insert(each);
        ++count;
      }
    }
    EXPECT_EQ(all.size(), count) << "one lane for each";
    EXPECT_EQ(count, std::max(lanes, LaneAddress::kChannels));
  }
}

TEST(LaneAddress, ReachesExactlyOneLaneWhateverTheNumbers) {
  for (const std::size_t here : kNumbers) {
    for (const std::size_t there : kNumbers) {
      for (std::size_t lane = 0; lane < here; ++lane) {
        const LaneAddress own("here", lane, here);
        lane_at(own.towards("there"), "there", there);
        EXPECT_EQ(lane_at(own.from("there"), "here", here), lane) << "for replies";
      }
    }
  }
}

TEST(LaneAddress, PairsTheLanesOfBrokersWithEquallyMany) {
  for (const std::string other : {"there", "elsewhere", "0123456789abcdef", "here"}) {
    for (const std::size_t lanes : {1u, 2u, 3u, 4u, 8u, 16u, 48u}) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const LaneAddress own("here", lane, lanes);
        const std::size_t peer = lane_at(own.towards(other), other, lanes);
        const LaneAddress back(other, peer, lanes);
        EXPECT_EQ(back.towards("here"), own.from(other)) << "replies go with messages";
        EXPECT_EQ(lane_at(back.towards("here"), "here", lanes), lane);
      }
    }
  }
}

TEST(LaneAddress, SpreadsTheLanesOfManySmallBrokersOverThoseOfALargeOne) {
  std::set<std::size_t> used;
  for (int n = 0; n < 200; ++n) {
    const LaneAddress small("small" + std::to_string(n), 0, 1);
    used.insert(lane_at(small.towards("large"), "large", 16));
  }
  EXPECT_EQ(used.size(), 16u);
}

}  // namespace
}  // namespace crolang::redis_registry
