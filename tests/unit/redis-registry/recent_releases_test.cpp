#include "redis-registry/recent_releases.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};

std::vector<std::uint64_t> taken(RecentReleases& releases) {
  std::vector<std::uint64_t> tokens;
  releases.take_all([&](Withdrawn lease) { tokens.push_back(lease.token); });
  return tokens;
}

TEST(RecentReleases, AreThoseOfTheLastSeconds) {
  RecentReleases releases;
  releases.add({"alice", 1, kStart}, kStart);
  releases.add({"bob", 2, kStart}, kStart + milliseconds(1));
  releases.expire(kStart + RecentReleases::kRecent - milliseconds(1));
  EXPECT_EQ(releases.size(), 2u);
  releases.expire(kStart + RecentReleases::kRecent);
  EXPECT_THAT(taken(releases), ElementsAre(2));
}

TEST(RecentReleases, AreTakenOnce) {
  RecentReleases releases;
  releases.add({"alice", 1, kStart}, kStart);
  EXPECT_THAT(taken(releases), ElementsAre(1));
  EXPECT_THAT(taken(releases), IsEmpty());
}

TEST(RecentReleases, AreNoMoreThanSoMany) {
  RecentReleases releases;
  for (std::uint64_t token = 1; token <= RecentReleases::kMost + 5; ++token) {
    releases.add({"node", token, kStart}, kStart);
  }
  EXPECT_EQ(releases.size(), RecentReleases::kMost);
  EXPECT_EQ(taken(releases).front(), 6u);
}

}  // namespace
}  // namespace crolang::redis_registry
