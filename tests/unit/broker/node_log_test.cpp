#include "broker/node_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "house.hpp"
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
  node_log::refused("bob", Refusal::authentication_failed, "the token expired 312 s ago", now_);
  node_log::refused("eve", Refusal::missing_version, {}, now_);
  node_log::told_to_come_again("bob", Trouble::registry, now_);
  node_log::foreign_namespace("bob", "/chat", now_);
  EXPECT_THAT(
      log.lines(),
      ElementsAre(HasSubstr("connection node refused node=bob why=\"authentication failed\" "
                            "reason=\"the token expired 312 s ago\" suppressed="),
                  AllOf(HasSubstr("connection node refused node=eve why="), HasSubstr("version")),
                  HasSubstr("node told to come again node=bob why=\"the registry is not"),
                  HasSubstr("it connects to /chat, there is only /")));
}

TEST_F(NodeLogTest, ShowsNoQueryOfANamespace) {
  support::CapturedLog log(Level::connections);
  node_log::foreign_namespace("bob", "/chat?token=secret", now_);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("it connects to /chat, there is only /")));
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
  node_log::not_relayed(Relayed::socket_msg_exchange, "bob", {}, Outcome::payload_no_string, {},
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

TEST_F(NodeLogTest, IsSilentAtLevel0) {
  support::CapturedLog log(Level::essentials);
  node_log::refused("bob", Refusal::invalid_id, {}, now_);
  node_log::unknown_event("bob", "x", now_);
  node_log::presence_refused("bob", node_log::PresenceFault::no_ids, now_);
  node_log::told_to_come_again("bob", Trouble::full, now_);
  EXPECT_THAT(log.lines(), IsEmpty());
}

class EndLogTest : public NodeLogTest {
 protected:
  testing::House house_;
};

TEST_F(EndLogTest, SaysHowANodeEnds) {
  testing::Session& bob = house_.join("bob");
  support::CapturedLog log(Level::connections);
  node_log::ended(bob, EndReason::tcp_reset, now_);
  node_log::ended(bob, EndReason::lost_id, now_);
  EXPECT_THAT(log.lines(),
              ElementsAre(HasSubstr("connection node gone node=bob why=\"TCP reset by the node\""),
                          HasSubstr("connection node expelled node=bob why=\"its id is held")));
}

TEST_F(EndLogTest, SaysThatANodeNeverJoined) {
  testing::Session& bob = house_.knock(testing::query_of("bob"));
  support::CapturedLog log(Level::connections);
  node_log::ended(bob, EndReason::tcp_end, now_);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("node gone before it joined node=bob why=")));
}

TEST_F(EndLogTest, SaysNothingOfWhoHadBeenToldBefore) {
  testing::Session& bob = house_.knock(testing::query_of("bob"));
  bob.open(house_.broker.bench(), now_);
  support::CapturedLog log(Level::connections);
  node_log::ended(bob, EndReason::tcp_end, now_);
  node_log::ended(bob, EndReason::handshake_timeout, now_);
  node_log::ended(bob, EndReason::asked_to_retry, now_);
  EXPECT_THAT(log.lines(), IsEmpty());
}

}  // namespace
}  // namespace crolang::broker
