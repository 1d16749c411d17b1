#pragma once
/// A connection of a worker link whose Redis is the test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis-registry/socket_transport.hpp"
#include "redis-registry/worker_connection.hpp"

namespace crolang::redis_registry {

/// Redis is the other ends of two socket pairs.
class ScriptedWorkerLink : public ::testing::Test, protected WorkerConnection::Owner {
 protected:
  ~ScriptedWorkerLink() override {
    for (const int end : redis_) ::close(end);
  }

  void on_link_up() override { is_up_ = true; }
  void on_subscription_cut() override {}
  void on_link_down(std::string_view why) override { down_ = why; }
  void on_link_batch(std::string_view batch, WorkerPubSub::Order) override {
    batches_.emplace_back(batch);
  }
  void on_published(std::uint64_t batch, long long subscribers, std::string_view refusal) override {
    published_.push_back(std::to_string(batch) + ":" + std::to_string(subscribers) +
                         std::string(refusal));
  }
  std::unique_ptr<Transport> connect(const RedisTarget&, std::size_t link) override {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    redis_.at(link) = ends[1];
    return std::make_unique<SocketTransport>(Socket(ends[0]));
  }

  std::string said(std::size_t link = 0) {
    connection_.flush(now_);
    std::array<char, 65536> bytes{};
    const ssize_t size = ::recv(redis_.at(link), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  void say(std::string_view bytes, std::size_t link = 0) {
    ASSERT_EQ(::send(redis_.at(link), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    connection_.on_poll(link, POLLIN, now_);
  }
  /// Up to the heartbeat, and what Redis says to CLIENT REPLY.
  void connect(std::string_view reply) {
    connection_.serve({}, now_);
    EXPECT_THAT(said(), ::testing::HasSubstr(kOn));
    say(reply);
    say("*3\r\n$9\r\nsubscribe\r\n$4\r\nmine\r\n:1\r\n", 1);
    EXPECT_THAT(said(), ::testing::HasSubstr("beat"));
    say(":1\r\n");
    say("*3\r\n$7\r\nmessage\r\n$4\r\nmine\r\n$4\r\nbeat\r\n", 1);
    ASSERT_TRUE(is_up_);
  }
  std::string publish(std::uint64_t number) {
    connection_.publish("c", "m", number, WorkerPubSub::Receiver::unknown, now_);
    return said();
  }

  static inline const std::string kOn = "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$2\r\nON\r\n";
  static inline const std::string kOff = "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n";
  static inline const std::string kPublication = "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\nm\r\n";

  TimePoint now_{std::chrono::hours(1)};
  std::array<int, 2> redis_{-1, -1};
  bool is_up_ = false;
  std::string down_;
  std::vector<std::string> published_;
  std::vector<std::string> batches_;
  WorkerConnection connection_{{"mine"}, "beat", *this, {}};
};

}  // namespace crolang::redis_registry
