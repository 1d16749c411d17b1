#include "broker/node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using telemetry::Counter;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NodeTest : public ::testing::Test {
 protected:
  testing::Harness harness_;
  Node& bob_ = harness_.join("bob");
};

TEST_F(NodeTest, HasItsStatedIdentity) {
  Node& node = harness_.request_upgrade("id=eve&version=1&runtime=test");
  EXPECT_EQ(node.id(), "eve");
  EXPECT_EQ(node.identity().field(Identity::Field::runtime), "test");
}

TEST_F(NodeTest, IsFoundBehindItsSession) {
  session::Session& session = bob_;
  EXPECT_EQ(&node_of(session), &bob_);
}

TEST_F(NodeTest, KeepsAnAdmissionResultUntilItIsTaken) {
  const auto is_empty = [this] {
    return std::holds_alternative<std::monostate>(bob_.take_admission_result());
  };
  EXPECT_TRUE(is_empty());
  bob_.keep_admission_result(std::make_shared<const std::string>("rtc"));
  const AdmissionResult admitted = bob_.take_admission_result();
  ASSERT_TRUE(std::holds_alternative<RtcLiteral>(admitted));
  EXPECT_EQ(*std::get<RtcLiteral>(admitted), "rtc");
  EXPECT_TRUE(is_empty());
  bob_.keep_admission_result(Refusal::invalid_id);
  const AdmissionResult refused = bob_.take_admission_result();
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused));
  EXPECT_EQ(std::get<Refusal>(refused), Refusal::invalid_id);
  EXPECT_TRUE(is_empty());
}

TEST_F(NodeTest, CountsItsAdmissions) {
  Node& node = harness_.request_upgrade("id=eve");
  EXPECT_EQ(node.count_admission(), 1);
  EXPECT_EQ(node.count_admission(), 2);
}

TEST_F(NodeTest, AcknowledgesInOneWordAndCountsIt) {
  const std::tuple<AckStatus, std::string_view, Counter> cases[] = {
      {AckStatus::ok, "OK", Counter::ack_ok},
      {AckStatus::error, "ERROR", Counter::ack_error},
      {AckStatus::unauthorized, "UNAUTHORIZED", Counter::ack_unauthorized},
      {AckStatus::not_connected, "NOT_CONNECTED", Counter::ack_not_connected},
      {AckStatus::disabled, "DISABLED", Counter::ack_disabled},
  };
  const socketio::AckId seven = socketio::scan_ack_id("7", 0).id;
  for (const auto& [status, word, counter] : cases) {
    bob_.ack(harness_.broker.context(), seven, status);
    EXPECT_THAT(harness_.sent(bob_), ElementsAre("437[\"" + std::string(word) + "\"]"));
    EXPECT_EQ(harness_.counters.value(counter), 1U);
  }
}

TEST_F(NodeTest, CountsAnUnrequestedAckWithoutSendingIt) {
  bob_.ack(harness_.broker.context(), {}, AckStatus::ok);
  EXPECT_THAT(harness_.sent(bob_), IsEmpty());
  EXPECT_EQ(harness_.counters.value(Counter::ack_ok), 1U);
}

}  // namespace
}  // namespace crolang::broker
