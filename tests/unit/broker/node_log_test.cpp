#include "broker/node_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "harness.hpp"
#include "support/captured_log.hpp"

namespace crolang::broker {
namespace {

using session::EndReason;
using telemetry::log::Level;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const client_address::Address kClient = client_address::ipv4_address({192, 0, 2, 7});

/// Each test has a second of its own, since limits are of the process.
session::TimePoint next_second() {
  static session::TimePoint now = std::chrono::steady_clock::now();
  return now += std::chrono::seconds(2);
}

class NodeLogTest : public ::testing::Test {
 protected:
  const session::TimePoint now_ = next_second();
};

TEST_F(NodeLogTest, SaysWhyANodeIsRefused) {
  support::CapturedLog log(Level::connections);
  node_log::refused({"bob", kClient}, Refusal::authentication_failed, "the token expired 312 s ago",
                    now_);
  node_log::refused({"eve", kClient}, Refusal::missing_version, {}, now_);
  node_log::asked_to_retry({"bob", kClient}, TemporaryFailure::registry, now_);
  node_log::foreign_namespace({"bob", kClient}, "/chat", now_);
  EXPECT_THAT(
      log.lines(),
      ElementsAre(HasSubstr("connection node refused node=bob why=\"authentication failed\" "
                            "reason=\"the token expired 312 s ago\" client=192.0.2.7 suppressed="),
                  AllOf(HasSubstr("connection node refused node=eve why="), HasSubstr("version")),
                  AllOf(HasSubstr("node asked to retry node=bob why=\"the registry is not"),
                        HasSubstr("client=192.0.2.7")),
                  AllOf(HasSubstr("it connects to /chat, but / is the only namespace"),
                        HasSubstr("client=192.0.2.7"))));
}

TEST_F(NodeLogTest, ShowsNoQueryOfANamespace) {
  support::CapturedLog log(Level::connections);
  node_log::foreign_namespace({"bob", kClient}, "/chat?token=secret", now_);
  EXPECT_THAT(log.lines(),
              ElementsAre(HasSubstr("it connects to /chat, but / is the only namespace")));
}

TEST_F(NodeLogTest, SaysWhyAMessageIsNotRelayed) {
  support::CapturedLog log(Level::connections);
  node_log::not_relayed(Relayed::connection_attempt, "alice", "bob", Outcome::unauthorized,
                        "DENY_LIST", now_);
  EXPECT_THAT(log.lines(),
              ElementsAre(HasSubstr("message not relayed event=CONNECTION_ATTEMPT from=alice "
                                    "to=bob ack=UNAUTHORIZED why=\"the sender may not send to "
                                    "this node\" reason=DENY_LIST suppressed=")));
}

TEST_F(NodeLogTest, ShowsABoundedPartOfAnUnknownEvent) {
  support::CapturedLog log(Level::connections);
  node_log::unknown_event("bob", "chat\nmessage" + std::string(100'000, 'x'), now_);
  const auto lines = log.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], HasSubstr("unknown event ignored node=bob event=\"chat\\u000amessage"));
  EXPECT_LT(lines[0].size(), 300U);
}

TEST_F(NodeLogTest, AFloodForOneReasonDoesNotHideAnother) {
  support::CapturedLog log(Level::connections);
  for (int i = 0; i < 100'000; ++i) {
    node_log::not_relayed(Relayed::socket_msg_exchange, "eve", {}, Outcome::payload_not_json, {},
                          now_);
  }
  node_log::not_relayed(Relayed::socket_msg_exchange, "bob", {}, Outcome::payload_not_string, {},
                        now_);
  const auto lines = log.lines();
  EXPECT_THAT(lines, SizeIs(11));
  EXPECT_THAT(lines, Contains(HasSubstr("from=bob")));
}

TEST_F(NodeLogTest, SaysHowManyLinesWereLeftOut) {
  const auto flood = [&](session::TimePoint now) {
    for (int i = 0; i < 25; ++i) {
      node_log::presence_refused("eve", node_log::PresenceFault::no_ids, now);
    }
  };
  support::CapturedLog log(Level::connections);
  flood(now_);
  flood(next_second());
  const auto lines = log.lines();
  ASSERT_THAT(lines, SizeIs(20));
  EXPECT_THAT(lines[10], HasSubstr("suppressed=15"));
}

TEST_F(NodeLogTest, LogsNothingAtLevel0) {
  support::CapturedLog log(Level::essentials);
  node_log::refused({"bob", kClient}, Refusal::invalid_id, {}, now_);
  node_log::unknown_event("bob", "x", now_);
  node_log::presence_refused("bob", node_log::PresenceFault::no_ids, now_);
  node_log::asked_to_retry({"bob", kClient}, TemporaryFailure::full, now_);
  EXPECT_THAT(log.lines(), IsEmpty());
}

class EndLogTest : public NodeLogTest {
 protected:
  testing::Harness harness_;
};

TEST_F(EndLogTest, SaysHowANodeEnds) {
  Node& bob = harness_.join("bob");
  support::CapturedLog log(Level::connections);
  node_log::ended(bob, kClient, EndReason::tcp_reset, now_);
  node_log::ended(bob, kClient, EndReason::lost_id, now_);
  EXPECT_THAT(
      log.lines(),
      ElementsAre(
          HasSubstr("connection node disconnected node=bob why=\"TCP reset by the node\" "
                    "client=192.0.2.7 suppressed="),
          HasSubstr("connection node disconnected permanently node=bob why=\"its id is held")));
}

TEST_F(EndLogTest, SaysThatANodeNeverJoined) {
  Node& bob = harness_.request_upgrade(testing::query_of("bob"));
  support::CapturedLog log(Level::connections);
  node_log::ended(bob, kClient, EndReason::tcp_end, now_);
  EXPECT_THAT(log.lines(),
              ElementsAre(HasSubstr("node disconnected before it joined node=bob why=")));
}

TEST_F(EndLogTest, LogsNoEndThatWasLoggedBefore) {
  Node& bob = harness_.request_upgrade(testing::query_of("bob"));
  bob.open(harness_.broker.context(), now_);
  support::CapturedLog log(Level::connections);
  node_log::ended(bob, kClient, EndReason::tcp_end, now_);
  node_log::ended(bob, kClient, EndReason::handshake_timeout, now_);
  node_log::ended(bob, kClient, EndReason::asked_to_retry, now_);
  EXPECT_THAT(log.lines(), IsEmpty());
}

}  // namespace
}  // namespace crolang::broker
