#include "broker/receipts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using modules::Redeemed;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

socketio::AckId ack_id(std::string_view digits) {
  return socketio::scan_ack_id(digits, 0).id;
}

class ReceiptsTest : public ::testing::Test {
 protected:
  testing::Harness harness_;
  Node& ann_ = harness_.join("ann");
};

TEST_F(ReceiptsTest, AcknowledgeOnce) {
  const modules::Receipt receipt = issue_receipt(ann_, ack_id("7"));
  EXPECT_EQ(redeem(receipt), Redeemed::unsent);
  EXPECT_EQ(redeem(receipt), Redeemed::no);
  EXPECT_THAT(harness_.sent(ann_), ElementsAre(R"(437["OK"])"));
}

TEST_F(ReceiptsTest, SendNothingWithoutAnAckId) {
  const modules::Receipt receipt = issue_receipt(ann_, {});
  EXPECT_EQ(redeem(receipt), Redeemed::yes);
  EXPECT_THAT(harness_.sent(ann_), IsEmpty());
}

TEST_F(ReceiptsTest, LeaveTheSendingToAPendingFlushOfTheOutbox) {
  const modules::Receipt receipt = issue_receipt(ann_, ack_id("7"));
  ann_.ping(harness_.broker.context());
  EXPECT_EQ(redeem(receipt), Redeemed::yes);
  EXPECT_THAT(harness_.sent(ann_), ElementsAre("2", R"(437["OK"])"));
}

TEST_F(ReceiptsTest, HoldTheLongestAckId) {
  const modules::Receipt receipt =
      issue_receipt(ann_, ack_id("17976931348623157" + std::string(292, '0')));
  EXPECT_EQ(redeem(receipt), Redeemed::unsent);
  EXPECT_THAT(harness_.sent(ann_), ElementsAre(R"(431.7976931348623157e+308["OK"])"));
}

TEST_F(ReceiptsTest, AreIssuedByTheSendersOutbox) {
  EXPECT_EQ(&outbox_of(issue_receipt(ann_, {}).issuer), &ann_.outbox());
}

}  // namespace
}  // namespace crolang::broker
