#include "redis-registry/redirecting.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <crolang/testing/fake_host.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/lease_keys.hpp"

namespace crolang::redis_registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::string_view kAsk = "-ASK 1 second:6379\r\n";

/// A server on a socket of its own, with many connections.
class UnixServer {
 public:
  UnixServer() : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    std::string name = std::filesystem::temp_directory_path() / "crolang-redirecting-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 8) != 0) {
      throw std::runtime_error("no socket");
    }
  }
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;
  ~UnixServer() {
    for (const auto& [connection, received] : received_) ::close(connection);
    ::close(listener_);
    std::filesystem::remove_all(directory_);
  }

  std::string path() const { return directory_ + "/socket"; }
  /// On the connection that has said that, since it was answered last.
  void answer(std::string_view said, std::string_view reply) {
    listen();
    for (auto& [connection, received] : received_) {
      if (received.find(said) == std::string::npos) continue;
      received.clear();
      ASSERT_EQ(::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(reply.size()));
      return;
    }
    FAIL() << "nobody has said " << said;
  }
  bool has_received(std::string_view said) {
    listen();
    return std::ranges::any_of(
        received_, [&](const auto& each) { return each.second.find(said) != std::string::npos; });
  }

 private:
  static bool is_readable(int descriptor) {
    pollfd entry{descriptor, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }
  void listen() {
    while (is_readable(listener_)) received_[::accept(listener_, nullptr, nullptr)];
    for (auto& [connection, received] : received_) {
      std::array<char, 10'000> bytes{};
      const ssize_t size = ::recv(connection, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size > 0) received.append(bytes.data(), static_cast<std::size_t>(size));
    }
  }

  const int listener_;
  std::string directory_;
  std::map<int, std::string> received_;
};

/// A connection whose handshake goes no further than HELLO.
class Server : RedisConnection::Owner {
 public:
  Server() { connection.tick(kStart); }
  void work() {
    connection.flush();
    auto entries = connection.poll_entries(kStart);
    ::poll(entries.data(), entries.size(), 0);
    connection.on_poll(entries, kStart);
    connection.flush();
  }

 private:
  void on_up() override {}
  void on_down(std::string_view) override {}
  void on_batch(std::string_view) override {}
  void on_cluster(const HostPort&) override {}
  Endpoint endpoint() const {
    Endpoint endpoint;
    endpoint.path = end.path();
    return endpoint;
  }

 public:
  UnixServer end;
  RedisConnection connection{endpoint(), {}, {}, {}, *this, {}};
};

class RedirectingTest : public testing::Test, Redirecting::Directory {
 protected:
  RedirectingTest() {
    table_.size = sizeof table_;
    context_.now = kStart;
    keys_.join_cluster(redirecting_);
  }
  RedisConnection* serving(Slot) override { return &first_.connection; }
  RedisConnection* at(const HostPort& server) override {
    return server.host == "second" ? &second_.connection : nullptr;
  }
  void on_outdated() override { ++outdated_; }
  std::uint64_t map() const override { return map_; }

  void note(const redisReply* reply) {
    if (reply == nullptr) {
      said_.emplace_back("lost");
    } else {
      said_.push_back(reply->type == REDIS_REPLY_INTEGER ? std::to_string(reply->integer)
                                                         : std::string(reply->str, reply->len));
    }
  }
  void run_script() {
    keys_.run_script(Script::release, std::array<std::string_view, 3>{"1", "key", "token"},
                     [this](const redisReply* reply) { note(reply); });
    first_.work();
  }
  void run_script_here() {
    keys_.run_script_here(Script::take, std::array<std::string_view, 3>{"1", "key", "token"},
                          [this](const redisReply* reply) { note(reply); });
    first_.work();
  }
  static void answer(Server& server, std::string_view reply) {
    server.end.answer("EVALSHA", reply);
    server.work();
  }

  crolang_registry_events table_{};
  const plugin::testing::FakeHost host_{crolang_plugin{}};
  ServiceContext context_{plugin::Host(host_.table()), Options{}, "me",
                          plugin::RegistryEvents(plugin::Host(host_.table()), &table_)};
  std::vector<std::string> said_;
  std::uint64_t map_ = 1;
  int outdated_ = 0;
  Redirecting redirecting_{context_, *this};
  Server second_;
  Server first_;
  LeaseKeys keys_{context_, first_.connection, [](const redisReply&) {}};
};

TEST_F(RedirectingTest, LeasesFollowAKeyThatHasBeenMoved) {
  run_script();
  answer(first_, kAsk);
  EXPECT_THAT(said_, IsEmpty());
  second_.work();
  EXPECT_TRUE(second_.end.has_received("ASKING"));
  answer(second_, "+OK\r\n:1\r\n");
  EXPECT_THAT(said_, ElementsAre("1"));
}

TEST_F(RedirectingTest, LeasesThatNeedThisServerFollowNothing) {
  run_script_here();
  answer(first_, kAsk);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("ASK")));
  EXPECT_FALSE(keys_.has_unanswered());
}

// The answer comes on a connection that is not closed with that of the keys.
TEST_F(RedirectingTest, TheKeysAreNeededUntilTheOtherServerHasAnswered) {
  EXPECT_FALSE(keys_.has_unanswered());
  run_script();
  run_script();
  EXPECT_TRUE(keys_.has_unanswered());
  answer(first_, kAsk);
  first_.connection.close();
  EXPECT_THAT(said_, ElementsAre("lost")) << "the one that was not sent on";
  EXPECT_TRUE(keys_.has_unanswered());
  second_.work();
  answer(second_, "+OK\r\n:1\r\n");
  EXPECT_THAT(said_, ElementsAre("lost", "1"));
  EXPECT_FALSE(keys_.has_unanswered());
}

TEST_F(RedirectingTest, TheKeysAreNeededUntilTheOtherConnectionIsLost) {
  run_script();
  answer(first_, kAsk);
  first_.connection.close();
  EXPECT_TRUE(keys_.has_unanswered());
  second_.connection.close();
  EXPECT_THAT(said_, ElementsAre("lost"));
  EXPECT_FALSE(keys_.has_unanswered());
}

// There is no other map before the end of the move.
TEST_F(RedirectingTest, ASlotThatIsBeingMovedDoesNotMakeTheMapOutdated) {
  run_script();
  answer(first_, kAsk);
  run_script();
  answer(first_, "-ASK 1 unknown:6379\r\n");
  run_script();
  answer(first_, "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
  run_script_here();
  answer(first_, kAsk);
  EXPECT_EQ(said_.size(), 3U);
  bool has_run = false;
  redirecting_.retry_later([&] { has_run = true; });
  EXPECT_EQ(outdated_, 0);
  context_.now += RetryQueue::kPause;
  redirecting_.run_due();
  EXPECT_TRUE(has_run);
}

TEST_F(RedirectingTest, ASlotThatHasMovedMakesTheMapOutdated) {
  run_script();
  answer(first_, "-MOVED 1 second:6379\r\n");
  EXPECT_EQ(outdated_, 1);
  run_script_here();
  answer(first_, "-MOVED 1 second:6379\r\n");
  EXPECT_EQ(outdated_, 2);
  run_script();
  answer(first_, kAsk);
  second_.work();
  answer(second_, "+OK\r\n-MOVED 1 first:6379\r\n");
  EXPECT_EQ(outdated_, 3) << "the move was given up";
  EXPECT_THAT(said_, testing::Each(HasSubstr("MOVED")));
}

TEST_F(RedirectingTest, OtherCommandsAreSentAgainOnceThereIsAnotherMap) {
  redirecting_.send(Slot{1}, std::array<std::string_view, 2>{"GET", "key"},
                    Redirecting::Urgency::at_once,
                    [this](const redisReply* reply) { note(reply); });
  first_.work();
  // Behind the handshake.
  first_.end.answer("GET", "-NOAUTH Authentication required.\r\n-TRYAGAIN\r\n");
  first_.work();
  EXPECT_EQ(outdated_, 0);
  context_.now += RetryQueue::kPause;
  redirecting_.run_due();
  first_.work();
  first_.end.answer("GET", "-MOVED 1 second:6379\r\n");
  first_.work();
  EXPECT_EQ(outdated_, 1);
  ++map_;
  redirecting_.run_due();
  first_.work();
  first_.end.answer("GET", ":7\r\n");
  first_.work();
  EXPECT_THAT(said_, ElementsAre("7"));
}

}  // namespace
}  // namespace crolang::redis_registry
