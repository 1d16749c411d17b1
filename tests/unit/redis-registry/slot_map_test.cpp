#include "redis-registry/slot_map.hpp"

#include <gtest/gtest.h>

#include <string>

#include "redis-registry/reply_reader.hpp"

namespace crolang::redis_registry {
namespace {

const HostPort kAsked{"asked.example", 7000};

// As CLUSTER KEYSLOT of Redis 7.0.15 answers.
TEST(SlotOf, IsThatOfTheServer) {
  EXPECT_EQ(slot_of(""), 0);
  EXPECT_EQ(slot_of("123456789"), 0x31c3);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("crolang:node:{alice}"), slot_of("alice"));
}

TEST(SlotOf, TakesTheFirstTagThatIsNotEmpty) {
  EXPECT_EQ(slot_of("a{foo}{bar}"), slot_of("foo"));
  EXPECT_EQ(slot_of("{{foo}}"), slot_of("{foo"));
  EXPECT_EQ(slot_of("}{foo}"), slot_of("foo"));
  // These have none.
  EXPECT_NE(slot_of("{}{foo}"), slot_of("foo"));
  EXPECT_NE(slot_of("{foo"), slot_of("foo"));
}

std::string integer(int value) {
  return ":" + std::to_string(value) + "\r\n";
}

std::string text(const std::string& value) {
  return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

std::string node(const std::string& host, int port) {
  return "*4\r\n" + host + integer(port) + text("id") + "*0\r\n";
}

std::string range(int first, int last, const std::string& master) {
  return "*4\r\n" + integer(first) + integer(last) + master + node(text("replica"), 1);
}

std::optional<SlotMap> read(const std::string& bytes) {
  ReplyReader reader(100'000);
  reader.feed(bytes);
  const Reply reply = reader.next();
  EXPECT_NE(reply, nullptr) << bytes;
  return reply == nullptr ? std::nullopt : SlotMap::read(*reply, kAsked);
}

TEST(SlotMap, NamesTheMasterOfEachSlot) {
  const auto map = read("*3\r\n" + range(8192, 16383, node(text("b"), 2)) +
                        range(0, 4095, node(text("a"), 1)) + range(4096, 8191, node(text("b"), 2)));
  ASSERT_TRUE(map);
  EXPECT_EQ(map->masters(), (std::vector<HostPort>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(map->master_of(0), 0u);
  EXPECT_EQ(map->master_of(4095), 0u);
  EXPECT_EQ(map->master_of(4096), 1u);
  EXPECT_EQ(map->master_of(16383), 1u);
  EXPECT_TRUE(map->covers_all());
}

TEST(SlotMap, KnowsWhatNobodyServes) {
  const auto map = read("*1\r\n" + range(1, 16383, node(text("a"), 1)));
  ASSERT_TRUE(map);
  EXPECT_EQ(map->master_of(0), std::nullopt);
  EXPECT_FALSE(map->covers_all());
  const auto none = read("*0\r\n");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->masters().empty());
}

TEST(SlotMap, TakesTheHostThatWasAskedForOneThatIsNotStated) {
  for (const std::string& host : {text(""), text("?"), std::string("$-1\r\n")}) {
    const auto map = read("*1\r\n" + range(0, 16383, node(host, 7001)));
    ASSERT_TRUE(map) << host;
    EXPECT_EQ(map->masters().front(), (HostPort{"asked.example", 7001}));
  }
}

TEST(SlotMap, IsTheSameWhateverTheOrderOfTheRanges) {
  const std::string a = range(0, 99, node(text("a"), 1));
  const std::string b = range(100, 16383, node(text("b"), 2));
  EXPECT_EQ(read("*2\r\n" + a + b), read("*2\r\n" + b + a));
  EXPECT_NE(read("*1\r\n" + a), read("*1\r\n" + b));
}

TEST(SlotMap, IsNotReadFromAnythingElse) {
  const std::string good = node(text("a"), 1);
  for (const std::string& bytes :
       {std::string("+OK\r\n"), std::string("-ERR This instance has cluster support disabled\r\n"),
        std::string("*1\r\n:1\r\n"), "*1\r\n*2\r\n" + integer(0) + integer(1),
        "*1\r\n" + range(2, 1, good), "*1\r\n" + range(-1, 1, good),
        "*1\r\n" + range(0, 16384, good), "*1\r\n" + range(0, 1, node(text("a"), 0)),
        "*1\r\n" + range(0, 1, node(text("a"), 65536)), "*1\r\n" + range(0, 1, integer(1)),
        "*1\r\n" + range(0, 1, "*1\r\n" + text("a"))}) {
    EXPECT_FALSE(read(bytes)) << bytes;
  }
}

TEST(SlotMap, HasNoMoreMastersThanACluster) {
  std::string bytes;
  for (int n = 0; n <= 1000; ++n) bytes += range(n, n, node(text("a"), n + 1));
  EXPECT_FALSE(read("*1001\r\n" + bytes));
  EXPECT_TRUE(read("*1000\r\n" + bytes));
}

}  // namespace
}  // namespace crolang::redis_registry
