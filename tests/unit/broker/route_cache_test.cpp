#include "broker/route_cache.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using modules::Holder;

const Holder kThere{"there", 1};
const Holder kElsewhere{"elsewhere", 2};

class RouteCacheTest : public ::testing::Test {
 protected:
  /// The token, or 0: not known.
  std::uint64_t find(std::string_view id) const {
    const Holder* holder = routes.find(id, now);
    return holder == nullptr ? 0 : holder->token;
  }

  RouteCache::TimePoint now{1h};
  RouteCache routes;
};

TEST_F(RouteCacheTest, AreEmptyAtFirst) {
  EXPECT_EQ(find("bob"), 0u);
}

TEST_F(RouteCacheTest, RememberWhereAReceiverWas) {
  routes.keep("bob", kThere, now);

  const Holder* holder = routes.find("bob", now);
  ASSERT_NE(holder, nullptr);
  EXPECT_EQ(holder->instance, "there");
  EXPECT_EQ(holder->token, 1u);
}

TEST_F(RouteCacheTest, ReplaceASessionByItsSuccessor) {
  routes.keep("bob", kThere, now);
  routes.keep("bob", kElsewhere, now);

  EXPECT_EQ(routes.find("bob", now)->instance, "elsewhere");
  EXPECT_EQ(routes.size(), 1u);
}

TEST_F(RouteCacheTest, DropAReceiver) {
  routes.keep("bob", kThere, now);
  routes.keep("eve", kElsewhere, now);
  routes.drop("bob", kThere.token);

  EXPECT_EQ(find("bob"), 0u);
  EXPECT_EQ(find("eve"), kElsewhere.token);
}

TEST_F(RouteCacheTest, DropNoSuccessor) {
  routes.keep("bob", kElsewhere, now);
  routes.drop("bob", kThere.token);

  EXPECT_EQ(find("bob"), kElsewhere.token);
}

TEST_F(RouteCacheTest, IgnoreADropOfAnUnknownReceiver) {
  routes.drop("bob", kThere.token);

  EXPECT_EQ(routes.size(), 0u);
}

TEST_F(RouteCacheTest, ForgetAReceiverThatWasNotReachedForHalfAMinute) {
  routes.keep("bob", kThere, now);
  now += RouteCache::kLifetime - 1ms;
  EXPECT_EQ(find("bob"), kThere.token);
  now += 1ms;
  EXPECT_EQ(find("bob"), 0u);
}

TEST_F(RouteCacheTest, RememberAReceiverAsLongAsItIsReached) {
  for (int i = 0; i < 10; ++i) {
    routes.keep("bob", kThere, now);
    now += RouteCache::kLifetime - 1ms;
    EXPECT_EQ(find("bob"), kThere.token);
  }
}

TEST_F(RouteCacheTest, FreeExpiredEntriesWhenAnotherIsAdded) {
  routes.keep("bob", kThere, now);
  routes.keep("eve", kThere, now);
  now += RouteCache::kLifetime;
  routes.keep("joe", kElsewhere, now);

  EXPECT_EQ(routes.size(), 1u);
  EXPECT_EQ(find("joe"), kElsewhere.token);
}

TEST_F(RouteCacheTest, EvictTheLeastRecentlyReachedIfThereAreTooMany) {
  for (std::size_t i = 0; i < RouteCache::kMost; ++i) {
    routes.keep(std::to_string(i), kThere, now);
  }
  routes.keep("0", kThere, now);

  routes.keep("one more", kThere, now);

  EXPECT_EQ(routes.size(), RouteCache::kMost);
  EXPECT_EQ(find("1"), 0u);
  EXPECT_EQ(find("0"), kThere.token);
  EXPECT_EQ(find("2"), kThere.token);
  EXPECT_EQ(find("one more"), kThere.token);
}

}  // namespace
}  // namespace crolang::broker
