#include "redis-registry/server_search.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace crolang::redis_registry {
namespace {

constexpr TimePoint kNow{std::chrono::hours(1)};
const HostPort kFirst{"127.0.0.1", 7001};
const HostPort kSecond{"127.0.0.1", 7002};

class ServerSearchTest : public testing::Test {
 protected:
  ServerSearchTest() : search_(endpoint(), {}, nullptr, {}) {}

  static Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.hosts.push_back({"127.0.0.1", 7000});
    return endpoint;
  }
  void find() {
    search_.begin_round(kNow);
    ASSERT_EQ(search_.next(kNow), ServerSearch::State::found);
  }

  ServerSearch search_;
};

TEST_F(ServerSearchTest, HasNobodyToAskAboutAServerOfTheUrl) {
  find();
  EXPECT_FALSE(search_.sentinels().exist);
}

TEST_F(ServerSearchTest, KnowsThatAClusterHasOthersToAsk) {
  search_.lead_to(kFirst);
  find();
  EXPECT_TRUE(search_.sentinels().exist) << "although none has been asked yet";
  EXPECT_EQ(search_.sentinels().named_it, std::nullopt);
  search_.note_named(kNow);
  EXPECT_EQ(search_.sentinels().named_it, kNow);
  search_.lead_to(kFirst);
  EXPECT_EQ(search_.sentinels().named_it, kNow) << "it is the same";
}

TEST_F(ServerSearchTest, TakesTheNameOfAMasterForNoOther) {
  search_.lead_to(kFirst);
  find();
  search_.note_named(kNow);
  search_.lead_to(kSecond);
  search_.note_named(kNow);
  EXPECT_TRUE(search_.sentinels().exist);
  EXPECT_EQ(search_.sentinels().named_it, std::nullopt) << "the first one is still connected";
  find();
  EXPECT_EQ(search_.sentinels().named_it, kNow);
  search_.lead_to(kFirst);
  find();
  EXPECT_EQ(search_.sentinels().named_it, std::nullopt) << "it was named before the other one";
}

}  // namespace
}  // namespace crolang::redis_registry
