#include "redis-registry/reply_reader.hpp"

#include <gmock/gmock.h>

namespace crolang::redis_registry {
namespace {

using testing::HasSubstr;

TEST(ReplyReader, ReadsRepliesFromPieces) {
  ReplyReader reader(100);
  const std::string_view bytes = "$5\r\nhello\r\n:7\r\n*2\r\n+a\r\n$-1\r\n-ERR no\r\n";
  std::vector<Reply> replies;
  for (const char byte : bytes) {
    reader.feed({&byte, 1});
    while (Reply reply = reader.next()) replies.push_back(std::move(reply));
  }
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(std::string(replies[0]->str, replies[0]->len), "hello");
  EXPECT_EQ(replies[1]->integer, 7);
  ASSERT_EQ(replies[2]->elements, 2U);
  EXPECT_EQ(replies[2]->element[1]->type, REDIS_REPLY_NIL);
  EXPECT_EQ(replies[3]->type, REDIS_REPLY_ERROR);
  EXPECT_EQ(reader.fault(), "");
}

TEST(ReplyReader, RefusesWhatIsNotAReply) {
  ReplyReader reader(100);
  reader.feed("HTTP/1.1 400 Bad Request\r\n");
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_THAT(reader.fault(), HasSubstr("Protocol error, got \"H\" as reply type byte"));
  // And nothing that follows.
  reader.feed("+OK\r\n");
  EXPECT_EQ(reader.next(), nullptr);
}

TEST(ReplyReader, RefusesAReplyThatIsTooLarge) {
  ReplyReader reader(3 << 20);
  const std::string part(1 << 20, 'x');
  reader.feed("$9000000\r\n");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_EQ(reader.fault(), "");
    reader.feed(part);
  }
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.fault(), "Redis sent a reply of more than 3 MiB");
}

TEST(ReplyReader, DoesNotCountRepliesTogether) {
  ReplyReader reader(1 << 20);
  const std::string reply = "$500000\r\n" + std::string(500'000, 'x') + "\r\n";
  for (int i = 0; i < 6; ++i) {
    reader.feed(reply);
    EXPECT_NE(reader.next(), nullptr);
    // The beginning of the next one.
    reader.feed("+O");
    EXPECT_EQ(reader.next(), nullptr);
    reader.feed("K\r\n");
    EXPECT_NE(reader.next(), nullptr);
  }
  EXPECT_EQ(reader.fault(), "");
}

TEST(ReplyReader, AllocatesNothingForElementsThatAreOnlyAnnounced) {
  for (const char* const announced : {"*1000000000\r\n", "*65537\r\n", "*-7\r\n", "*4294967295\r\n",
                                      "*99999999999999999999\r\n", "*1\r\n*1000000000\r\n"}) {
    ReplyReader reader(100);
    reader.feed(announced);
    EXPECT_EQ(reader.next(), nullptr) << announced;
    EXPECT_NE(reader.fault(), "") << announced;
  }
}

TEST(ReplyReader, RefusesALengthThatCannotBe) {
  for (const char* const announced :
       {"$-7\r\n", "$99999999999999999999\r\n", "$9223372036854775807\r\n"}) {
    ReplyReader reader(100);
    reader.feed(announced);
    reader.feed(std::string(200, 'x'));
    EXPECT_EQ(reader.next(), nullptr) << announced;
    EXPECT_NE(reader.fault(), "") << announced;
  }
}

TEST(ReplyReader, RefusesNestingWithoutEnd) {
  ReplyReader reader(1000);
  for (int i = 0; i < 100; ++i) reader.feed("*1\r\n");
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_NE(reader.fault(), "");
}

}  // namespace
}  // namespace crolang::redis_registry
