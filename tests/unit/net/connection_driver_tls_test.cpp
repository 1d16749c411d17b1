#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "unit/net/driver_harness.hpp"
#include "unit/tls/handshake_ends.hpp"

namespace crolang::net {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using telemetry::Counter;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

class TlsDriverTest : public ConnectionDriverTest {
 protected:
  TlsDriverTest() : ConnectionDriverTest({}, &context()) {}

  /// RSA, since its signatures take longest.
  static const tls::CurrentContext& context() {
    static const tls::testing::Issued issued =
        tls::testing::self_signed({.key = tls::testing::KeyKind::rsa2048});
    static const tls::CurrentContext current([] {
      tls::testing::ServerSetup setup;
      setup.certificates = {&issued};
      setup.tickets = std::make_shared<tls::TicketKeys>(std::chrono::steady_clock::now());
      return tls::testing::make_server(setup);
    }());
    return current;
  }
  void shake_hands(const Descriptor& socket, tls::testing::Client& client) {
    std::string from_broker;
    while (!client.is_done()) {
      say(socket, client.handshake(from_broker));
      from_broker = received(socket);
    }
    // Its tickets.
    EXPECT_EQ(client.receive(from_broker), "");
  }
};

TEST_F(TlsDriverTest, AnswersARequestOverTls) {
  const Descriptor socket = connect();
  tls::testing::Client client({});
  shake_hands(socket, client);
  EXPECT_EQ(counters_.value(Counter::tls_handshakes_full), 1U);

  say(socket, client.send(get("/healthz", "Connection: close\r\n")));
  EXPECT_THAT(client.receive(received(socket)), EndsWith("fine"));
  EXPECT_NE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, 0);
}

TEST_F(TlsDriverTest, AnswersPlainTextOnTheOtherListener) {
  const Descriptor socket = connect(AcceptedSocket::BeginsWith::request, ListenerIndex::plain);
  say(socket, get("/healthz"));
  EXPECT_THAT(received(socket), EndsWith("fine"));
}

TEST_F(TlsDriverTest, ReadsAProxyHeaderBeforeTls) {
  const Descriptor socket = connect(AcceptedSocket::BeginsWith::proxy_header);
  tls::testing::Client client({});
  say(socket, "PROXY TCP4 203.0.113.9 192.0.2.7 1 2\r\n" + client.handshake(""));
  say(socket, client.handshake(received(socket)));
  say(socket, client.send(get("/healthz")));
  EXPECT_THAT(client.receive(received(socket)), EndsWith("fine"));
  EXPECT_EQ(text_of(the_only_one().connection.client()), "203.0.113.9");
}

TEST_F(TlsDriverTest, TellsAClientWithoutTlsSo) {
  const Descriptor socket = connect();
  say(socket, get("/healthz"));
  const std::string answer = received(socket);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, EndsWith("this port speaks TLS: use wss:// or https://\n(end)"));
  EXPECT_EQ(counters_.value(Counter::http_4xx), 1U);
}

TEST_F(TlsDriverTest, EndsWithAnAlertWhereTheHandshakeFails) {
  const Descriptor socket = connect();
  tls::testing::Client client({.ciphers = nullptr, .groups = "P-521"});
  say(socket, client.handshake(""));
  const std::string answer = received(socket);
  EXPECT_THAT(answer, StartsWith("\x15\x03"));
  EXPECT_THAT(answer, EndsWith("(end)"));
  EXPECT_EQ(counters_.value(Counter::tls_handshakes_failed), 1U);

  pass(3s);
  EXPECT_EQ(load(), 0U);
}

TEST_F(TlsDriverTest, DropsANodeThatBreaksTls) {
  const Descriptor socket = connect();
  tls::testing::Client client({});
  shake_hands(socket, client);
  say(socket, client.send(kUpgrade));
  driver_.open(*the_only_one().connection.node());
  turn();
  std::string broken = client.send("frames");
  broken.back() = static_cast<char>(broken.back() ^ 1);
  say(socket, broken);
  EXPECT_THAT(ended_, ElementsAre(EndReason::tls_violation));
  EXPECT_EQ(load(), 0U);
}

TEST_F(TlsDriverTest, CountsNothingOfAConnectionThatEndsInTheMiddleOfARecord) {
  Descriptor socket = connect();
  tls::testing::Client client({});
  shake_hands(socket, client);
  say(socket, client.send(std::string(1000, 'x')).substr(0, 900));
  EXPECT_GE(driver_.gauges().inbound_bytes.load(), 900U);
  socket = Descriptor();
  turn();
  EXPECT_EQ(load(), 0U);
  EXPECT_EQ(driver_.gauges().inbound_bytes.load(), 0U);
}

TEST_F(TlsDriverTest, BeginsHandshakesForAShareOfATurn) {
  constexpr std::size_t kClients = 200;
  std::vector<std::unique_ptr<tls::testing::Client>> clients;
  std::vector<Descriptor> sockets;
  for (std::size_t i = 0; i < kClients; ++i) {
    sockets.push_back(connect());
    clients.push_back(std::make_unique<tls::testing::Client>(tls::testing::ClientSetup{}));
    const std::string hello = clients.back()->handshake("");
    ::send(sockets.back().get(), hello.data(), hello.size(), 0);
  }
  std::array<epoll_event, kClients> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), kClients, 0);
  ASSERT_EQ(count, static_cast<int>(kClients));
  const auto answered = [&] {
    return std::ranges::count_if(sockets, [](const Descriptor& socket) {
      char byte = 0;
      return ::recv(socket.get(), &byte, 1, MSG_PEEK) == 1;
    });
  };
  driver_.set_now(now_);
  for (const epoll_event& event : events) driver_.on_ready(event);
  EXPECT_GT(answered(), 0);
  EXPECT_LT(answered(), static_cast<int>(kClients));

  // The others come in later turns.
  while (answered() < static_cast<int>(kClients)) {
    driver_.set_now(now_);
    turn();
  }
}

}  // namespace
}  // namespace crolang::net
