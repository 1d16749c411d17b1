#include "redis-registry/worker_address.hpp"

#include <gmock/gmock.h>

#include <array>
#include <set>
#include <string>

namespace crolang::redis_registry {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

constexpr std::array kNumbers{1u, 2u, 3u, 4u, 5u, 7u, 8u, 16u, 48u, 64u, 256u};

/// The worker link of a broker with so many that is reached there; fails unless there is exactly
/// one.
std::size_t worker_link_at(const std::string& address, const std::string& instance,
                           std::size_t worker_links) {
  std::size_t found = worker_links;
  int count = 0;
  for (std::size_t worker_link = 0; worker_link < worker_links; ++worker_link) {
    for (const std::string& each : WorkerAddress(instance, worker_link, worker_links).all()) {
      if (each != address) continue;
      found = worker_link;
      ++count;
    }
  }
  EXPECT_EQ(count, 1) << address;
  return found;
}

TEST(WorkerAddress, NamesTheBroker) {
  EXPECT_EQ(WorkerAddress("a:b", 3, 4).own(), "{a:b}:3");
  EXPECT_EQ(WorkerAddress::instance_of("{a:b}:3"), "a:b");
  EXPECT_EQ(WorkerAddress::instance_of(WorkerAddress::of("}:", 3)), "}:");
  for (const std::string other : {"", "rubbish", "a:b:3", "{a", "a}:3"}) {
    EXPECT_EQ(WorkerAddress::instance_of(other), other);
  }
}

TEST(WorkerAddress, DealsTheChannelsOut) {
  EXPECT_THAT(WorkerAddress("x", 1, 16).all(), ElementsAre("{x}:1", "{x}:17", "{x}:33"));
  EXPECT_THAT(WorkerAddress("x", 60, 64).all(), ElementsAre("{x}:60"));
  for (const std::size_t worker_links : kNumbers) {
    std::set<std::string> all;
    std::size_t count = 0;
    for (std::size_t worker_link = 0; worker_link < worker_links; ++worker_link) {
      for (const std::string& each : WorkerAddress("x", worker_link, worker_links).all()) {
        all.insert(each);
        ++count;
      }
    }
    EXPECT_EQ(all.size(), count) << "one worker link for each";
    EXPECT_EQ(count, std::max(worker_links, WorkerAddress::kChannels));
  }
}

TEST(WorkerAddress, ReachesExactlyOneWorkerLinkWhateverTheNumbers) {
  for (const std::size_t here : kNumbers) {
    for (const std::size_t there : kNumbers) {
      for (std::size_t worker_link = 0; worker_link < here; ++worker_link) {
        const WorkerAddress own("here", worker_link, here);
        worker_link_at(own.towards("there"), "there", there);
        EXPECT_EQ(worker_link_at(own.from("there"), "here", here), worker_link) << "for replies";
      }
    }
  }
}

TEST(WorkerAddress, PairsTheWorkerLinksOfBrokersWithEquallyMany) {
  for (const std::string other : {"there", "elsewhere", "0123456789abcdef", "here"}) {
    for (const std::size_t worker_links : {1u, 2u, 3u, 4u, 8u, 16u, 48u}) {
      for (std::size_t worker_link = 0; worker_link < worker_links; ++worker_link) {
        const WorkerAddress own("here", worker_link, worker_links);
        const std::size_t peer = worker_link_at(own.towards(other), other, worker_links);
        const WorkerAddress back(other, peer, worker_links);
        EXPECT_EQ(back.towards("here"), own.from(other)) << "replies go with messages";
        EXPECT_EQ(worker_link_at(back.towards("here"), "here", worker_links), worker_link);
      }
    }
  }
}

TEST(WorkerAddress, SpreadsTheWorkerLinksOfManySmallBrokersOverThoseOfALargeOne) {
  std::set<std::size_t> used;
  for (int n = 0; n < 200; ++n) {
    const WorkerAddress small("small" + std::to_string(n), 0, 1);
    used.insert(worker_link_at(small.towards("large"), "large", 16));
  }
  EXPECT_EQ(used.size(), 16u);
}

}  // namespace
}  // namespace crolang::redis_registry
