#include "redis-registry/link.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "redis-registry/redis_reply.hpp"
#include "redis-registry/socket_transport.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

using Words = std::vector<std::string_view>;

/// A link whose server is the other end of a socket pair.
class LinkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    server_ = ends[1];
    link_.open(std::make_unique<SocketTransport>(Socket(ends[0])), now_);
    ASSERT_TRUE(link_.is_open());
  }
  void TearDown() override { hang_up(); }

  void hang_up() {
    if (server_ >= 0) ::close(std::exchange(server_, -1));
  }

  void ask(const Words& words) {
    link_.command(words, now_, [this](const redisReply* reply) {
      replies_.push_back(reply == nullptr                     ? "none"
                         : reply->type == REDIS_REPLY_INTEGER ? std::to_string(reply->integer)
                                                              : std::string(text_of(*reply)));
    });
  }

  std::string sent() {
    link_.flush();
    std::array<char, 65536> bytes{};
    const ssize_t size = ::recv(server_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }

  void answer(std::string_view bytes) {
    ASSERT_EQ(::send(server_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    link_.on_poll(POLLIN, now_);
  }

  void subscribe() {
    link_.subscribe(
        "mine", [this] { messages_.push_back("subscribed"); },
        [this](std::string_view message) { messages_.emplace_back(message); });
  }
  void subscribe_sharded() {
    const std::array<std::string, 2> channels{"{a}:0", "{a}:1"};
    link_.subscribe_sharded(
        channels, [this] { messages_.push_back("subscribed"); },
        [this](std::string_view message) { messages_.emplace_back(message); });
  }
  static std::string push(const std::string& kind, const std::string& channel,
                          const std::string& rest) {
    return "*3\r\n$" + std::to_string(kind.size()) + "\r\n" + kind + "\r\n$" +
           std::to_string(channel.size()) + "\r\n" + channel + "\r\n" + rest;
  }

  TimePoint now_{std::chrono::hours(1)};
  Link link_{1 << 20};
  int server_ = -1;
  std::vector<std::string> replies_;
  std::vector<std::string> messages_;
};

TEST_F(LinkTest, SendsCommandsTogetherAndAnswersThemInOrder) {
  ask({"GET", "a b"});
  ask({"SET", std::string_view("\0x", 2), ""});
  EXPECT_EQ(sent(),
            "*2\r\n$3\r\nGET\r\n$3\r\na b\r\n"
            "*3\r\n$3\r\nSET\r\n$2\r\n" +
                std::string("\0x", 2) + "\r\n$0\r\n\r\n");
  answer("$1\r\nv\r\n:3\r\n");
  EXPECT_THAT(replies_, ElementsAre("v", "3"));
  EXPECT_TRUE(link_.is_idle());
}

TEST_F(LinkTest, SendsTheRestOnceThereIsRoom) {
  const std::string large(1 << 20, 'x');
  ask({"PUBLISH", "c", large});
  std::string all = sent();
  ASSERT_LT(all.size(), large.size());
  EXPECT_NE(link_.poll_entry(now_).events & POLLOUT, 0);
  while (all.size() < large.size()) {
    const std::size_t before = all.size();
    all += sent();
    ASSERT_GT(all.size(), before);
  }
  all += sent();
  EXPECT_EQ(all, "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1048576\r\n" + large + "\r\n");
  EXPECT_EQ(link_.poll_entry(now_).events & POLLOUT, 0);
}

TEST_F(LinkTest, AnswersEveryCommandWhenTheServerHangsUp) {
  ask({"GET", "a"});
  ask({"GET", "b"});
  link_.flush();
  hang_up();
  link_.on_poll(POLLIN | POLLHUP, now_);
  EXPECT_THAT(replies_, ElementsAre("none", "none"));
  EXPECT_FALSE(link_.is_open());
  EXPECT_EQ(link_.poll_entry(now_).fd, -1);
  ask({"GET", "c"});
  EXPECT_THAT(replies_, ElementsAre("none", "none", "none"));
}

TEST_F(LinkTest, SaysWhatTheServerSaidBeforeItHungUp) {
  const std::string_view last = "-ERR max number of clients reached\r\n";
  ASSERT_EQ(::send(server_, last.data(), last.size(), 0), static_cast<ssize_t>(last.size()));
  hang_up();
  subscribe();
  link_.flush();
  EXPECT_EQ(link_.fault(), "ERR max number of clients reached");
}

TEST_F(LinkTest, ClosesOnAReplyThatNobodyAskedFor) {
  ask({"GET", "a"});
  answer("+one\r\n+two\r\n");
  EXPECT_THAT(replies_, ElementsAre("one"));
  EXPECT_EQ(link_.fault(), "Redis sent a reply that no command has asked for");
}

TEST_F(LinkTest, ClosesOnBytesThatAreNoReply) {
  ask({"GET", "a"});
  answer("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_THAT(replies_, ElementsAre("none"));
  EXPECT_THAT(link_.fault(), HasSubstr("Protocol error"));
}

TEST_F(LinkTest, ClosesOnAReplyThatIsTooLarge) {
  ask({"GET", "a"});
  answer("$9000000\r\n");
  const std::string part(32'768, 'x');
  for (int i = 0; i < 40 && link_.is_open(); ++i) answer(part);
  EXPECT_THAT(replies_, ElementsAre("none"));
  EXPECT_THAT(link_.fault(), HasSubstr("more than 1 MiB"));
}

TEST_F(LinkTest, PassesOnMessagesAfterTheSubscription) {
  ask({"AUTH", "x"});
  subscribe();
  EXPECT_THAT(sent(), HasSubstr("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nmine\r\n"));
  answer(
      "+OK\r\n*3\r\n$9\r\nsubscribe\r\n$4\r\nmine\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$4\r\nmine\r\n$"
      "2\r\nhi\r\n");
  EXPECT_THAT(replies_, ElementsAre("OK"));
  EXPECT_THAT(messages_, ElementsAre("subscribed", "hi"));
}

TEST_F(LinkTest, ClosesWhenTheSubscriptionIsRefusedOrEnded) {
  subscribe();
  answer("-NOPERM no permission for the channel\r\n");
  EXPECT_EQ(link_.fault(), "NOPERM no permission for the channel");
}

TEST_F(LinkTest, ClosesWhenTheSubscriptionEnds) {
  subscribe();
  answer("*3\r\n$11\r\nunsubscribe\r\n$4\r\nmine\r\n:0\r\n");
  EXPECT_EQ(link_.fault(), "Redis has ended the subscription");
}

TEST_F(LinkTest, PassesOnMessagesOfShardedChannels) {
  ask({"AUTH", "x"});
  subscribe_sharded();
  EXPECT_THAT(sent(), HasSubstr("*3\r\n$10\r\nSSUBSCRIBE\r\n$5\r\n{a}:0\r\n$5\r\n{a}:1\r\n"));
  answer("+OK\r\n" + push("ssubscribe", "{a}:0", ":1\r\n"));
  answer(push("ssubscribe", "{a}:1", ":2\r\n") + push("smessage", "{a}:1", "$2\r\nhi\r\n"));
  EXPECT_THAT(messages_, ElementsAre("subscribed", "subscribed", "hi"));
  const std::string parted = push("smessage", "{a}:0", "$3\r\nyou\r\n");
  answer(parted.substr(0, 20));
  answer(parted.substr(20));
  EXPECT_THAT(messages_, ElementsAre("subscribed", "subscribed", "hi", "you"));
  EXPECT_FALSE(link_.has_slot_moved());
}

TEST_F(LinkTest, EndsWhenTheSlotOfItsChannelsMoves) {
  subscribe_sharded();
  answer(push("ssubscribe", "{a}:0", ":1\r\n") + push("ssubscribe", "{a}:1", ":2\r\n"));
  answer(push("smessage", "{a}:1", "$4\r\nlast\r\n") + push("sunsubscribe", "{a}:0", ":1\r\n") +
         push("smessage", "{a}:1", "$8\r\ntoo late\r\n"));
  EXPECT_THAT(messages_, ElementsAre("subscribed", "subscribed", "last"));
  EXPECT_FALSE(link_.is_open());
  EXPECT_EQ(link_.fault(), "another server of the cluster serves the slot of the subscription now");
  EXPECT_TRUE(link_.has_slot_moved());
  hang_up();
  SetUp();
  EXPECT_FALSE(link_.has_slot_moved());
}

TEST_F(LinkTest, EndsWhenItSubscribesAtTheWrongServer) {
  subscribe_sharded();
  answer("-MOVED 15762 127.0.0.1:31832\r\n");
  EXPECT_EQ(link_.fault(), "MOVED 15762 127.0.0.1:31832");
  EXPECT_TRUE(link_.has_slot_moved());
}

TEST_F(LinkTest, IsNotEndedByACommandAtTheWrongServer) {
  ask({"GET", "a"});
  subscribe_sharded();
  answer("-MOVED 15495 127.0.0.1:31832\r\n");
  EXPECT_THAT(replies_, ElementsAre("MOVED 15495 127.0.0.1:31832"));
  EXPECT_TRUE(link_.is_open());
  EXPECT_FALSE(link_.has_slot_moved());
}

TEST_F(LinkTest, ClosesOnPublicationsOfAnotherShape) {
  for (const char* const strange :
       {"+OK\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$7\r\nmessage\r\n"}) {
    SetUp();
    subscribe();
    answer(strange);
    EXPECT_THAT(link_.fault(), HasSubstr("something other than messages")) << strange;
    hang_up();
  }
}

TEST_F(LinkTest, IsClosedByAnExceptionOfACallback) {
  link_.command(Words{"GET", "a"}, now_, [](const redisReply*) { throw std::runtime_error("no"); });
  ask({"GET", "b"});
  answer("+1\r\n+2\r\n");
  EXPECT_FALSE(link_.is_open());
  EXPECT_EQ(link_.fault(), "out of memory");
  EXPECT_THAT(replies_, ElementsAre("none"));
}

TEST_F(LinkTest, DoesNotWakeForADeferredReplyBeforeATenthOfASecond) {
  answer("");  // nothing, but it was looked at
  link_.command_deferred(Words{"PUBLISH", "c", "m"}, now_, [](const redisReply*) {});
  link_.flush();
  EXPECT_EQ(link_.poll_entry(now_).events, 0);
  EXPECT_EQ(link_.poll_entry(now_ + milliseconds(99)).events, 0);
  EXPECT_EQ(link_.poll_entry(now_ + milliseconds(100)).events, POLLIN);
  ask({"GET", "a"});
  EXPECT_EQ(link_.poll_entry(now_).events & POLLIN, POLLIN);
}

TEST_F(LinkTest, SendsWhatWillNotBeAnswered) {
  ask({"GET", "a"});
  link_.command_unanswered(Words{"PUBLISH", "c", "m"});
  ask({"GET", "b"});
  EXPECT_THAT(sent(), HasSubstr("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\nm\r\n"));
  answer("+1\r\n+2\r\n");
  EXPECT_THAT(replies_, ElementsAre("1", "2"));
  link_.command_unanswered(Words{"PUBLISH", "c", "m"});
  EXPECT_TRUE(link_.is_idle());
  link_.close();
  link_.command_unanswered(Words{"PUBLISH", "c", "m"});
}

TEST_F(LinkTest, KnowsSinceWhenTheOldestCommandWaits) {
  EXPECT_FALSE(link_.waiting_since());
  ask({"GET", "a"});
  const TimePoint first = now_;
  now_ += milliseconds(5);
  ask({"GET", "b"});
  EXPECT_EQ(link_.waiting_since(), first);
  answer("+1\r\n");
  EXPECT_EQ(link_.waiting_since(), first + milliseconds(5));
  link_.restart_clocks(now_ + milliseconds(50));
  EXPECT_EQ(link_.waiting_since(), now_ + milliseconds(50));
}

TEST(Link, ThatCannotConnectIsClosedWithWords) {
  Link link(1000);
  link.open(std::make_unique<SocketTransport>(Socket::to_unix("/nowhere/redis.sock")), TimePoint{});
  EXPECT_FALSE(link.is_open());
  EXPECT_EQ(link.fault(), "No such file or directory");
  link.open(std::make_unique<SocketTransport>(Socket::to_unix(std::string(200, '/'))), TimePoint{});
  EXPECT_EQ(link.fault(), "File name too long");
}

TEST(Link, DoesNotCallAnybodyWhenItIsDestroyed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  bool called = false;
  {
    Link link(1000);
    link.open(std::make_unique<SocketTransport>(Socket(ends[0])), TimePoint{});
    link.command(Words{"GET", "a"}, TimePoint{}, [&](const redisReply*) { called = true; });
  }
  EXPECT_FALSE(called);
  ::close(ends[1]);
}

}  // namespace
}  // namespace crolang::redis_registry
