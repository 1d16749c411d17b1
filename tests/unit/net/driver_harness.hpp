#pragma once

/// A worker's connections without the worker: for tests of the driver. Threads: one.

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/connection_driver.hpp"

namespace crolang::net::testing {

using namespace std::chrono_literals;
using session::EndReason;

inline constexpr auto kHandshakeTimeout = 10s;
inline const PeerAddress kPeer = *client_address::parse_address("192.0.2.7");

inline std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

inline const std::string kUpgrade =
    "GET /socket.io/?EIO=4&transport=websocket&id=bob&version=1&runtime=test HTTP/1.1\r\n"
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A worker's connections, with sockets whose other ends are the test's. The test is the loop.
class ConnectionDriverTest : public ::testing::Test,
                             public ConnectionHandler,
                             public session::SessionEvents {
 protected:
  explicit ConnectionDriverTest(const AcceptPolicy::Rules& rules = {},
                                const tls::CurrentContext* tls = nullptr)
      : policy_(rules),
        listeners_{{node_listener_policy(), clients_, tls}, {node_listener_policy(), clients_}} {}

  /// A client connects. Returns its end.
  Descriptor connect(AcceptedSocket::BeginsWith begins_with = AcceptedSocket::BeginsWith::request,
                     ListenerIndex listener = ListenerIndex::nodes) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    EXPECT_EQ(driver_.adopt({Descriptor(ends[0]), kPeer, begins_with, listener}),
              ConnectionDriver::Adopted::yes);
    return Descriptor(ends[1]);
  }
  /// One turn of a worker: what is ready now, timeouts, and the end of the turn.
  void turn() {
    std::array<epoll_event, 16> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), 16, 0);
    for (int i = 0; i < count; ++i) driver_.on_ready(events[static_cast<std::size_t>(i)]);
    driver_.resume_paused();
    driver_.check_timeouts();
    flush_all(session_.dirty, epoll_.get());
    driver_.shut_down_flushed();
    driver_.reclaim();
  }
  void say(const Descriptor& client, std::string_view bytes) {
    EXPECT_EQ(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    turn();
  }
  void pass(std::chrono::milliseconds time) {
    now_ += time;
    driver_.set_now(now_);
    turn();
  }
  /// What the client has been sent, with `(end)` behind it if TCP was ended.
  static std::string received(const Descriptor& client) {
    std::string all;
    char bytes[4096];
    ssize_t n = 0;
    while ((n = ::recv(client.get(), bytes, sizeof bytes, 0)) > 0) {
      all.append(bytes, static_cast<std::size_t>(n));
    }
    return n == 0 ? all + "(end)" : all;
  }
  std::uint32_t load() const { return driver_.gauges().load.load(); }
  std::uint32_t nodes() const { return driver_.gauges().nodes.load(); }
  std::uint32_t sessions() const { return driver_.gauges().sessions.load(); }
  std::optional<session::SessionHandle> evictable() {
    return policy_.take_evictable(
        [this](session::SessionHandle handle) { return driver_.kind_of(handle); });
  }
  DrivenConnection& the_only_one() {
    DrivenConnection* found = nullptr;
    driver_.table().for_each([&](DrivenConnection& driven) { found = &driven; });
    EXPECT_NE(found, nullptr);
    return *found;
  }

  // ConnectionHandler: the broker's part.
  void admit(broker::Node& node) override {
    driver_.gauges().sessions.fetch_add(1);
    node.set_token(1);
  }
  Response render(PageRequest request) override {
    return make_response(200, request.after, {"text/plain", page_});
  }
  std::optional<RequestFault> limit_client(session::SessionHandle, std::string_view) override {
    return std::nullopt;
  }
  void keep_request(session::SessionHandle, broker::Identity&, std::string_view) override {}
  // SessionEvents
  void on_connect(session::Session&) override {}
  void on_foreign_namespace(session::Session&, std::string_view) override {}
  void on_disconnect(session::Session&) override {}
  void on_event(session::Session&, const socketio::Packet&) override {}
  void on_activity(session::Session&) override {}
  void on_end(session::Session&, const session::End& why) override { ended_.push_back(why.reason); }

  session::Limits limits_{{25s, 20s}, 1'000'000, 4'000'000, kHandshakeTimeout};
  telemetry::WorkerCounters counters_;
  session::SessionContext session_{limits_, *this, counters_, {}, {}, {}, {}};
  session::OutboxTable outboxes_;
  Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  client_address::Policy clients_;
  AcceptPolicy policy_;
  MemoryGuard memory_{counters_};
  TimePoint now_{1000s};
  const ListenerPolicies listeners_;
  ConnectionDriver driver_{
      {outboxes_, 0, epoll_.get(), session_, listeners_, *this, policy_, memory_}, now_};
  std::string page_ = "fine";
  std::vector<EndReason> ended_;
};

}  // namespace crolang::net::testing
