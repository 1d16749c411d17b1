#include "redis-registry/links.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "redis-registry/socket_transport.hpp"

namespace crolang::redis_registry {
namespace {

using std::chrono::milliseconds;
using Words = std::vector<std::string_view>;

class LinksTest : public testing::Test {
 protected:
  void SetUp() override {
    links_.open(
        [this] {
          std::array<int, 2> ends{};
          EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
          servers_.push_back(ends[1]);
          return std::make_unique<SocketTransport>(Socket(ends[0]));
        },
        now_);
  }
  void TearDown() override {
    for (const int server : servers_) ::close(server);
  }

  TimePoint now_{std::chrono::hours(1)};
  Links links_;
  std::vector<int> servers_;
};

TEST_F(LinksTest, OpenOneConnectionEach) {
  EXPECT_TRUE(links_.are_open());
  EXPECT_EQ(servers_.size(), Links::kCount);
  for (const pollfd& entry : links_.poll_entries(now_)) EXPECT_GE(entry.fd, 0);
}

TEST_F(LinksTest, SayWhichIsClosed) {
  ::shutdown(servers_[1], SHUT_RDWR);
  links_.on_poll({pollfd{0, 0, 0}, {0, 0, POLLIN}, {0, 0, 0}}, now_);
  EXPECT_FALSE(links_.are_open());
  EXPECT_EQ(links_.first_closed(), &links_.leases);
  links_.close();
  EXPECT_FALSE(links_.subscription.is_open());
}

TEST_F(LinksTest, KnowWhichCommandWaitsLongest) {
  EXPECT_TRUE(links_.are_idle());
  EXPECT_FALSE(links_.waiting_since());
  links_.leases.command(Words{"WAIT", "1", "50"}, now_ + milliseconds(5), [](const redisReply*) {});
  EXPECT_EQ(links_.waiting_since(), now_ + milliseconds(5));
  links_.commands.command(Words{"GET", "a"}, now_, [](const redisReply*) {});
  EXPECT_EQ(links_.waiting_since(), now_);
  EXPECT_FALSE(links_.are_idle());
}

TEST_F(LinksTest, FlushEach) {
  links_.leases.command(Words{"GET", "a"}, now_, [](const redisReply*) {});
  links_.commands.command(Words{"GET", "b"}, now_, [](const redisReply*) {});
  links_.flush();
  for (const int server : {servers_[0], servers_[1]}) {
    std::array<char, 100> bytes{};
    EXPECT_GT(::recv(server, bytes.data(), bytes.size(), MSG_DONTWAIT), 0);
  }
}

}  // namespace
}  // namespace crolang::redis_registry
