#include "admin/http/listener.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <condition_variable>
#include <mutex>

#include "net/listener.hpp"

namespace crolang::admin::http {
namespace {

using namespace std::chrono_literals;

constexpr auto kGenerous = 20s;

/// "/": at once; "/slow": on a handler thread, until it is released or the listener stops;
/// "/events": a stream; "/throw": a handler that throws; "/no-memory": one for which there is no
/// memory, nor for the error.
class TestSite final : public Site {
 public:
  std::variant<Outcome, Task> handle(const Request& request, const client_address::Address&,
                                     TimePoint) override {
    if (request.path == "/slow") {
      return Task([this](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        ++running_;
        changed_.notify_all();
        changed_.wait_for(lock, stop, kGenerous, [this] { return released_; });
        return Outcome{{200, "text/plain", stop.stop_requested() ? "stopped" : "slow", {}}, {}};
      });
    }
    if (request.path == "/no-memory") {
      return Task([this](const std::stop_token&) -> Outcome {
        has_memory_ = false;
        throw std::bad_alloc();
      });
    }
    if (request.path == "/throw") {
      return Task([](const std::stop_token&) -> Outcome { throw std::runtime_error("oh"); });
    }
    Outcome outcome{{200, "text/plain", "fast", {}}, {}};
    if (request.path == "/events") outcome.stream = Admitted{};
    return outcome;
  }
  Response error(unsigned status, std::string_view sentence) const override {
    if (!has_memory_.exchange(true)) throw std::bad_alloc();
    return {status, "text/plain", std::string(sentence), {}};
  }
  bool is_current(const Admitted&, TimePoint) const override { return is_current_.load(); }

  void wait_for_running(int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kGenerous, [&] { return running_ >= count; }));
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void end_admissions() { is_current_ = false; }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int running_ = 0;
  bool released_ = false;
  std::atomic<bool> is_current_{true};
  mutable std::atomic<bool> has_memory_{true};
};

class TestClient {
 public:
  explicit TestClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }
  void get(std::string_view path) {
    send("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  void send(const std::string& bytes) {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// Reads until this text has come; false: the connection has ended before.
  bool until(std::string_view text) {
    while (received_.find(text) == std::string::npos) {
      pollfd ready{socket_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 20'000) != 1) {
        ADD_FAILURE() << "nothing came in time instead of " << text;
        return false;
      }
      std::array<char, 4096> bytes;
      const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return false;
      received_.append(bytes.data(), static_cast<std::size_t>(count));
    }
    received_.erase(0, received_.find(text) + text.size());
    return true;
  }
  /// Of the next response.
  std::string status() {
    if (!until("HTTP/1.1 ")) return {};
    for (const char* const each : {"200", "503"}) {
      if (received_.starts_with(each)) return each;
    }
    return received_.substr(0, 3);
  }
  bool is_ended() { return !until("this never comes"); }

 private:
  net::Descriptor socket_;
  std::string received_;
};

class ListenerTest : public ::testing::Test {
 protected:
  void start(ListenerOptions options = {}) {
    auto opened = net::listen_on("127.0.0.1", 0);
    auto& socket = std::get<net::Descriptor>(opened);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    listener_.emplace(std::move(socket), options, site_, events_, counters_);
    listener_->start();
  }

  TestSite site_;
  telemetry::EventHub events_;
  telemetry::SharedCounters counters_;
  std::uint16_t port_ = 0;
  std::optional<Listener> listener_;
};

TEST_F(ListenerTest, AnswersSeveralRequestsOnAConnection) {
  start();
  TestClient client(port_);
  client.get("/");
  EXPECT_TRUE(client.until("fast"));
  client.get("/");
  client.get("/");
  EXPECT_TRUE(client.until("fast"));
  EXPECT_TRUE(client.until("fast"));
}

TEST_F(ListenerTest, HandlersThatBlockHoldNothingElseUp) {
  start();
  std::vector<std::unique_ptr<TestClient>> slow;
  for (std::size_t i = 0; i < 2 * HandlerThreads::kThreads; ++i) {
    slow.push_back(std::make_unique<TestClient>(port_));
    slow.back()->get("/slow");
  }
  site_.wait_for_running(HandlerThreads::kThreads);
  TestClient client(port_);
  client.get("/");
  EXPECT_TRUE(client.until("fast"));
  site_.release();
  for (const auto& each : slow) EXPECT_TRUE(each->until("slow"));
}

TEST_F(ListenerTest, AHandlerThatThrowsIsA500) {
  start();
  TestClient client(port_);
  client.get("/throw");
  EXPECT_TRUE(client.until("500 Internal Server Error"));
}

TEST_F(ListenerTest, WithoutMemoryForAnErrorTheConnectionEnds) {
  start();
  TestClient client(port_);
  client.get("/no-memory");
  EXPECT_TRUE(client.is_ended());
  TestClient other(port_);
  other.get("/throw");
  EXPECT_TRUE(other.until("500 Internal Server Error"));
}

TEST_F(ListenerTest, SilentConnectionsMakeRoomForOthers) {
  start({.max_connections = 4});
  std::vector<std::unique_ptr<TestClient>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<TestClient>(port_));
    silent.back()->send("GET ");
  }
  TestClient client(port_);
  client.get("/");
  EXPECT_TRUE(client.until("fast"));
  EXPECT_TRUE(silent.front()->is_ended());
}

TEST_F(ListenerTest, WhoFindsNoRoomWaitsToBeAccepted) {
  start({.max_connections = 2, .grace = kGenerous});
  auto first = std::make_unique<TestClient>(port_);
  first->send("GET ");
  TestClient second(port_);
  second.send("GET ");
  TestClient third(port_);
  third.get("/");
  first.reset();
  EXPECT_TRUE(third.until("fast"));
  second.send("/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(second.until("fast"));
}

TEST_F(ListenerTest, StreamsGetEventsUpToTheirNumberAndStarveNobody) {
  start({.max_connections = 2, .max_streams = 3});
  std::vector<std::unique_ptr<TestClient>> streams;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(std::make_unique<TestClient>(port_));
    streams.back()->get("/events");
    ASSERT_TRUE(streams.back()->until(":\n\n"));
  }
  TestClient one_more(port_);
  one_more.get("/events");
  EXPECT_TRUE(one_more.until("503 Service Unavailable"));
  events_.publish(telemetry::EventKind::joined, {{"id", "alice"}});
  for (const auto& each : streams) EXPECT_TRUE(each->until("\"id\":\"alice\""));
  streams.front().reset();
  // The place is free when the listener has noticed that the reader has gone.
  for (bool is_open = false; !is_open;) {
    TestClient next(port_);
    next.get("/events");
    is_open = next.status() == "200";
  }
}

TEST_F(ListenerTest, NobodyPublishesWhileThereIsNoStream) {
  start();
  {
    TestClient client(port_);
    client.get("/events");
    ASSERT_TRUE(client.until(":\n\n"));
    EXPECT_TRUE(events_.is_watched());
  }
  const auto give_up = std::chrono::steady_clock::now() + kGenerous;
  while (events_.is_watched() && std::chrono::steady_clock::now() < give_up) {
    TestClient(port_).get("/");
  }
  EXPECT_FALSE(events_.is_watched());
}

TEST_F(ListenerTest, AStreamEndsWithWhatAdmittedIt) {
  start();
  TestClient client(port_);
  client.get("/events");
  ASSERT_TRUE(client.until(":\n\n"));
  site_.end_admissions();
  EXPECT_TRUE(client.is_ended());
}

TEST_F(ListenerTest, StopEndsStreamsHandlersAndSilentClients) {
  start();
  TestClient silent(port_);
  silent.send("GET / HTTP/1.1\r\n");
  TestClient stream(port_);
  stream.get("/events");
  ASSERT_TRUE(stream.until(":\n\n"));
  TestClient slow(port_);
  slow.get("/slow");
  site_.wait_for_running(1);
  const auto before = std::chrono::steady_clock::now();
  listener_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_TRUE(slow.until("stopped"));
  EXPECT_TRUE(stream.is_ended());
  EXPECT_TRUE(silent.is_ended());
  EXPECT_FALSE(events_.is_watched());
}

}  // namespace
}  // namespace crolang::admin::http
