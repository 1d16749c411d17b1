#include "redis-registry/publication.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::redis_registry {
namespace {

using namespace std::string_literals;

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string publication(const std::string& text, const std::string& channel = "c",
                        const std::string& kind = "message") {
  return "*3\r\n" + bulk(kind) + bulk(channel) + bulk(text);
}

TEST(Publication, IsTakenFromTheFront) {
  const std::string both = publication("one\r\n\0x"s) + publication("", "channel");
  std::string_view bytes = both;
  EXPECT_EQ(take_publication(bytes), "one\r\n\0x"s);
  EXPECT_EQ(take_publication(bytes), "");
  EXPECT_TRUE(bytes.empty());
  EXPECT_FALSE(take_publication(bytes));
}

TEST(Publication, IsTakenFromAShardedChannelToo) {
  const std::string both = publication("one", "c", "smessage") + publication("two");
  std::string_view bytes = both;
  EXPECT_EQ(take_publication(bytes), "one");
  EXPECT_EQ(take_publication(bytes), "two");
}

TEST(Publication, IsLeftWhileItIsIncomplete) {
  for (const std::string kind : {"message", "smessage"}) {
    const std::string whole = publication("text", "c", kind);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::string_view bytes = std::string_view(whole).substr(0, size);
      EXPECT_FALSE(take_publication(bytes)) << kind << size;
      EXPECT_EQ(bytes.size(), size);
    }
  }
}

TEST(Publication, IsNothingElse) {
  for (const std::string& other :
       {"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"s,
        "*3\r\n$8\r\npmessage\r\n$1\r\nc\r\n$1\r\nx\r\n"s, "-ERR x\r\n"s, "+OK\r\n"s,
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:1\r\n"s, "*3\r\n$7\r\nmessage\r\n$-1\r\n$1\r\nx\r\n"s,
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nxyz"s,
        "*3\r\n$7\r\nmessage\r\n$1x\r\nc\r\n$1\r\nx\r\n"s,
        "*3\r\n$7\r\nmessage\r\n$99999999999999999999\r\nc\r\n$1\r\nx\r\n"s}) {
    std::string_view bytes = other;
    EXPECT_FALSE(take_publication(bytes)) << other;
    EXPECT_EQ(bytes, other);
  }
}

}  // namespace
}  // namespace crolang::redis_registry
