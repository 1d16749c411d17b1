#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/faults.hpp"
#include "unit/net/driver_harness.hpp"

namespace crolang::net {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using session::EndReason;
using telemetry::Counter;
using ::testing::EndsWith;
using ::testing::StartsWith;

TEST_F(ConnectionDriverTest, AnswersARequestInOneIteration) {
  const Descriptor client = connect();
  say(client, get("/healthz"));

  EXPECT_THAT(received(client), EndsWith("fine"));
  EXPECT_EQ(load(), 1U);
  EXPECT_EQ(counters_.value(Counter::connections_opened), 1U);
}

TEST_F(ConnectionDriverTest, EndsTcpOnceAllIsWrittenAndClosesAfterAMoment) {
  const Descriptor client = connect();
  say(client, get("/healthz", "Connection: close\r\n"));
  EXPECT_THAT(received(client), EndsWith("fine(end)"));
  EXPECT_EQ(load(), 1U);

  pass(3s);
  EXPECT_EQ(load(), 0U);
  EXPECT_EQ(counters_.value(Counter::connections_closed), 1U);
}

TEST_F(ConnectionDriverTest, EndsTcpOnlyBehindTheLastByteOfASlowReader) {
  page_ = std::string(4'000'000, 'x');
  const Descriptor client = connect();
  say(client, get("/metrics", "Connection: close\r\n"));
  std::string all;
  while (!all.ends_with("(end)")) {
    const std::string more = received(client);
    ASSERT_FALSE(more.empty()) << "after " << all.size();
    all += more;
    turn();
  }

  EXPECT_GT(all.size(), page_.size());
}

TEST_F(ConnectionDriverTest, ReadsAProxyHeaderAndThenTheRequest) {
  const Descriptor client = connect(AcceptedSocket::BeginsWith::proxy_header);
  say(client, "PROXY TCP4 198.51.100.9 ");
  EXPECT_EQ(the_only_one().connection.held_bytes(), 0U) << "a few bytes are in the connection";
  say(client, "10.0.0.1 4711 443\r\n" + get("/healthz"));

  EXPECT_THAT(received(client), EndsWith("fine"));
  EXPECT_EQ(text_of(the_only_one().connection.client()), "198.51.100.9");
  EXPECT_EQ(counters_.value(Counter::bytes_received), 43U + get("/healthz").size());
}

TEST_F(ConnectionDriverTest, ClosesAConnectionWhoseProxyHeaderIsWrong) {
  const Descriptor client = connect(AcceptedSocket::BeginsWith::proxy_header);
  say(client, "PROXY TCP5\r\n" + get("/healthz"));

  EXPECT_EQ(load(), 0U);
}

TEST_F(ConnectionDriverTest, SeesAProxyLeaveBeforeItsHeader) {
  Descriptor client = connect(AcceptedSocket::BeginsWith::proxy_header);
  say(client, "PROX");
  client.reset();
  turn();

  EXPECT_EQ(load(), 0U);
}

TEST_F(ConnectionDriverTest, SeesAClientLeave) {
  Descriptor client = connect();
  client.reset();
  turn();

  EXPECT_EQ(load(), 0U);
}

TEST_F(ConnectionDriverTest, ClosesASilentConnectionInTime) {
  const Descriptor client = connect();
  pass(kHandshakeTimeout - 1s);
  EXPECT_EQ(received(client), "");

  pass(1s + 2 * TimerWheel::kTick);
  EXPECT_EQ(received(client), "(end)");
  EXPECT_EQ(counters_.value(Counter::closed_handshake_timeout), 1U);
}

TEST_F(ConnectionDriverTest, DoesNotReadFromANodeThatIsBeingAdmittedButSeesItLeave) {
  Descriptor client = connect();
  say(client, kUpgrade);
  EXPECT_EQ(nodes(), 1U);
  EXPECT_EQ(sessions(), 1U);
  const std::uint64_t before = counters_.value(Counter::bytes_received);
  say(client, "more");
  EXPECT_EQ(counters_.value(Counter::bytes_received), before);

  client.reset();
  turn();
  EXPECT_EQ(nodes(), 0U);
  EXPECT_EQ(sessions(), 0U);
  EXPECT_EQ(ended_.size(), 1U);
}

TEST_F(ConnectionDriverTest, OpensAndReadsOnceANodeIsAdmitted) {
  const Descriptor client = connect();
  say(client, kUpgrade);
  driver_.open(*the_only_one().connection.node());
  turn();

  EXPECT_THAT(received(client), StartsWith("HTTP/1.1 101"));
  const std::uint64_t before = counters_.value(Counter::bytes_received);
  say(client, "x");
  EXPECT_EQ(counters_.value(Counter::bytes_received), before + 1);
}

TEST_F(ConnectionDriverTest, AnswersARefusedNodeAndEndsTcp) {
  const Descriptor client = connect();
  say(client, kUpgrade);
  driver_.refuse(*the_only_one().connection.node(), "full");
  turn();

  EXPECT_THAT(received(client), EndsWith("full(end)"));
  EXPECT_EQ(nodes(), 0U);
}

TEST_F(ConnectionDriverTest, DoesNotReadFromAPausedNodeForAQuarterOfASecond) {
  const Descriptor client = connect();
  say(client, kUpgrade);
  driver_.open(*the_only_one().connection.node());
  turn();
  const std::uint64_t before = counters_.value(Counter::bytes_received);
  driver_.pause_reading(*the_only_one().connection.node());
  EXPECT_EQ(driver_.next_wake(), now_ + 250ms);
  say(client, "x");
  EXPECT_EQ(counters_.value(Counter::bytes_received), before);

  pass(250ms);
  turn();
  EXPECT_EQ(counters_.value(Counter::bytes_received), before + 1);
  EXPECT_EQ(driver_.next_wake(), TimePoint::max());
}

TEST_F(ConnectionDriverTest, ListsWhatIsNoNodeForEviction) {
  const Descriptor stranger = connect();
  const auto listed = evictable();
  ASSERT_TRUE(listed);
  EXPECT_EQ(*listed, the_only_one().connection.handle());
  EXPECT_FALSE(evictable());

  say(stranger, kUpgrade);
  driver_.refuse(*the_only_one().connection.node(), "full");
  EXPECT_TRUE(evictable()) << "it is none any more";
}

TEST_F(ConnectionDriverTest, ListsNoNodeForEviction) {
  const Descriptor client = connect();
  say(client, kUpgrade);

  EXPECT_FALSE(evictable());
}

TEST_F(ConnectionDriverTest, CountsWhatIncompleteMessagesHold) {
  const Descriptor client = connect();
  const std::string request = get("/healthz", "X: " + std::string(5000, 'x') + "\r\n");
  say(client, request.substr(0, 4000));
  EXPECT_GE(driver_.gauges().inbound_bytes.load(), 4000U);

  say(client, request.substr(4000));
  EXPECT_EQ(driver_.gauges().inbound_bytes.load(), 0U);
  EXPECT_EQ(driver_.bytes_read(), request.size());
}

TEST_F(ConnectionDriverTest, LosesOnlyTheConnectionForWhichThereIsNoMemory) {
  const Descriptor one = connect();
  const Descriptor other = connect();
  const std::string request = get("/healthz");
  EXPECT_GT(::send(one.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  faults::fail_allocations(1, 1'000'000);
  {
    const faults::Victim victim;
    turn();
  }
  EXPECT_GT(faults::heal(), 0U);

  EXPECT_EQ(received(one), "(end)");
  EXPECT_EQ(counters_.value(Counter::out_of_memory), 1U);

  say(other, get("/healthz"));
  EXPECT_THAT(received(other), EndsWith("fine"));
}

// ---- connections that have not sent a whole request

class HandshakesTest : public ConnectionDriverTest {
 protected:
  HandshakesTest() : ConnectionDriverTest({.max_handshakes = 2}) {}
  std::uint32_t handshakes() const { return driver_.gauges().handshakes.load(); }
};

TEST_F(HandshakesTest, EndWithTheFirstRequest) {
  const Descriptor client = connect();
  EXPECT_EQ(handshakes(), 1U);
  say(client, "GET /healthz HTTP/1.1\r\n");
  EXPECT_EQ(handshakes(), 1U);
  say(client, "Host: x\r\n\r\n");
  EXPECT_EQ(handshakes(), 0U);
  say(client, "GET /heal");
  EXPECT_EQ(handshakes(), 0U);
}

TEST_F(HandshakesTest, EndWithTheConnection) {
  { const Descriptor client = connect(); }
  turn();
  EXPECT_EQ(load(), 0U);
  EXPECT_EQ(handshakes(), 0U);
}

TEST_F(HandshakesTest, BeyondTheLimitCloseTheOldest) {
  const Descriptor first = connect();
  const Descriptor second = connect();
  say(first, "GET");
  const Descriptor third = connect();
  EXPECT_EQ(handshakes(), 2U);
  EXPECT_EQ(received(first), "(end)");
  EXPECT_EQ(received(second), "");
  say(third, get("/healthz"));
  EXPECT_THAT(received(third), EndsWith("fine"));
  EXPECT_EQ(counters_.value(Counter::closed_for_handshake), 1U);
}

TEST_F(HandshakesTest, DoNotCloseNodesNorAnsweredConnections) {
  const Descriptor node = connect();
  say(node, kUpgrade);
  const Descriptor answered = connect();
  say(answered, get("/healthz"));
  const Descriptor first = connect();
  const Descriptor second = connect();
  const Descriptor third = connect();
  EXPECT_EQ(received(first), "(end)");
  EXPECT_THAT(received(answered), EndsWith("fine"));
  EXPECT_EQ(received(node), "");
  EXPECT_EQ(load(), 4U);
}

TEST_F(ConnectionDriverTest, CountsAConnectionForItsAddressUntilItEnds) {
  AddressLimits limits({.connections = 1}, 0);
  AcceptPolicy policy({.addresses = &limits});
  const PeerAddress peer = client_address::parse_address("192.0.2.1").value();
  ConnectionDriver driver(
      {outboxes_, 0, epoll_.get(), session_, listeners_, *this, policy, memory_}, now_);
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  AcceptedSocket accepted{.socket = Descriptor(ends[0]), .peer = peer, .is_limited = true};
  const Descriptor client(ends[1]);
  ASSERT_EQ(policy.admit(peer, now_, accepted.counted), AddressLimits::Result::counted);
  driver.adopt(std::move(accepted));
  EXPECT_EQ(limits.admit(peer, now_), AddressLimits::Result::too_many);

  driver.table().for_each(
      [&](DrivenConnection& driven) { driver.end(driven, EndReason::shutdown); });

  EXPECT_EQ(limits.admit(peer, now_), AddressLimits::Result::counted);
}

}  // namespace
}  // namespace crolang::net
