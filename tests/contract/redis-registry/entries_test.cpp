// The table that all instances share, when Redis loses it, is away, or is written to by others.
// What the table does otherwise is in the suite for registries.
#include <algorithm>
#include <crolang/testing/registry_instance.hpp>
#include <memory>
#include <string>
#include <vector>

#include "redis_server.hpp"

namespace {

namespace pt = crolang::plugin::testing;
using crolang::testing::eventually;
using crolang::testing::RedisServer;

constexpr std::uint64_t kLater = 4'102'444'800'000;

class RedisEntriesTest : public ::testing::Test {
 protected:
  RedisEntriesTest() {
    const auto module = pt::module_of(std::string(REDIS_REGISTRY), CROLANG_REGISTRY,
                                      {{"REDIS_URL", redis_.url()}, {"REDIS_KEY_PREFIX", "t:"}});
    broker_ = std::make_unique<pt::Instance>("here", module(), questions_);
  }
  void TearDown() override {
    broker_.reset();
    questions_.expect_one_answer_each();
  }

  crolang_status set(const std::string& name, std::uint64_t expires_at = kLater) {
    const auto outcome = broker_->set_entry({name, "v", expires_at}).wait();
    return outcome ? outcome->status : CROLANG_INTERNAL;
  }
  pt::Outcome list(const std::string& known = {}) {
    const auto outcome = broker_->list_entries(known).wait();
    return outcome ? *outcome : pt::Outcome{};
  }
  static std::vector<std::string> names(const pt::Outcome& list) {
    std::vector<std::string> all;
    for (const auto& entry : list.entries) all.push_back(entry.name);
    std::ranges::sort(all);
    return all;
  }

  RedisServer redis_;
  pt::Questions questions_;
  std::unique_ptr<pt::Instance> broker_;
};

TEST_F(RedisEntriesTest, HaveNoVersionBeforeTheFirst) {
  const auto empty = list();
  EXPECT_EQ(empty.status, CROLANG_OK);
  EXPECT_EQ(empty.code, CROLANG_UNCHANGED);
  EXPECT_EQ(empty.text, "");
}

TEST_F(RedisEntriesTest, AreReportedAsLostIfRedisHasLostThem) {
  EXPECT_EQ(set("a"), CROLANG_OK);
  const std::string version = list().text;
  redis_.command({"FLUSHALL"});
  auto lost = list(version);
  EXPECT_EQ(lost.code, CROLANG_ENTRIES_LOST);
  EXPECT_EQ(lost.text, "");
  // Another broker has set some again.
  EXPECT_EQ(set("b"), CROLANG_OK);
  lost = list(version);
  EXPECT_EQ(lost.code, CROLANG_ENTRIES_LOST);
  EXPECT_EQ(names(lost), (std::vector<std::string>{"b"}));
  EXPECT_EQ(list(lost.text).code, CROLANG_UNCHANGED);
}

TEST_F(RedisEntriesTest, AreReportedAsLostIfAnEarlierStateIsBack) {
  EXPECT_EQ(set("a"), CROLANG_OK);
  redis_.command({"COPY", "t:entries", "t:kept"});
  EXPECT_EQ(set("b"), CROLANG_OK);
  const std::string version = list().text;
  redis_.command({"COPY", "t:kept", "t:entries", "REPLACE"});
  EXPECT_EQ(list(version).code, CROLANG_ENTRIES_LOST);
  // As many changes as before, but not the same.
  EXPECT_EQ(set("c"), CROLANG_OK);
  const auto lost = list(version);
  EXPECT_EQ(lost.code, CROLANG_ENTRIES_LOST);
  EXPECT_EQ(names(lost), (std::vector<std::string>{"a", "c"}));
}

TEST_F(RedisEntriesTest, AreSetAfterRedisHasForgottenTheScripts) {
  EXPECT_EQ(set("a"), CROLANG_OK);
  redis_.command({"SCRIPT", "FLUSH"});
  EXPECT_TRUE(eventually([&] { return set("b") == CROLANG_OK; }));
  EXPECT_EQ(names(list()), (std::vector<std::string>{"a", "b"}));
}

TEST_F(RedisEntriesTest, CannotBeSetOrListedWhileRedisIsAway) {
  redis_.kill();
  EXPECT_TRUE(eventually([&] { return !broker_->available(); }));
  EXPECT_EQ(set("a"), CROLANG_UNAVAILABLE);
  EXPECT_EQ(list().status, CROLANG_UNAVAILABLE);
}

TEST_F(RedisEntriesTest, AreRemovedSomeTimeAfterTheyHaveExpired) {
  EXPECT_EQ(set("long-ago", 1000), CROLANG_OK);
  EXPECT_EQ(set("a"), CROLANG_OK);
  EXPECT_EQ(names(list()), (std::vector<std::string>{"a"}));
}

TEST_F(RedisEntriesTest, AreReadWithinBounds) {
  EXPECT_EQ(set("a"), CROLANG_OK);
  redis_.command({"ZADD", "t:entries", "5000000000000", "no zero byte"});
  redis_.command({"ZADD", "t:entries", "-1", std::string("b\0v", 3)});
  redis_.command({"ZADD", "t:entries", "1e300", std::string("c\0v", 3)});
  redis_.command({"ZADD", "t:entries", "5000000000000",
                  std::string("d\0", 2) + std::string(CROLANG_MAX_ENTRY_VALUE + 1, 'x')});
  EXPECT_EQ(names(list()), (std::vector<std::string>{"a"}));
  redis_.command({"DEL", "t:entries"});
  redis_.command({"SET", "t:entries", "a text"});
  EXPECT_EQ(list().status, CROLANG_UNAVAILABLE);
  EXPECT_EQ(set("a"), CROLANG_UNAVAILABLE);
}

}  // namespace
