#include "engineio/heartbeat.hpp"

#include <gtest/gtest.h>

namespace crolang::engineio {
namespace {

using std::chrono::milliseconds;
using Action = Heartbeat::Action;

constexpr Timing kTiming{milliseconds(25000), milliseconds(20000)};
constexpr TimePoint kStart{std::chrono::hours(7)};

constexpr TimePoint at(int ms) {
  return kStart + milliseconds(ms);
}

TEST(Heartbeat, SendsAPingOneIntervalAfterTheOpenPacket) {
  Heartbeat heartbeat(at(0), kTiming);
  EXPECT_EQ(heartbeat.deadline(), at(25000));
  EXPECT_EQ(heartbeat.tick(at(24999), kTiming), Action::none);
  EXPECT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
}

TEST(Heartbeat, SendsAPingOnce) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  EXPECT_EQ(heartbeat.tick(at(25000), kTiming), Action::none);
}

TEST(Heartbeat, GivesUpOneTimeoutAfterThePing) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  EXPECT_EQ(heartbeat.deadline(), at(45000));
  EXPECT_EQ(heartbeat.tick(at(44999), kTiming), Action::none);
  EXPECT_EQ(heartbeat.tick(at(45000), kTiming), Action::timed_out);
}

TEST(Heartbeat, CountsTheTimeoutFromAPingThatWasSentLate) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(30000), kTiming), Action::send_ping);
  EXPECT_EQ(heartbeat.deadline(), at(50000));
}

TEST(Heartbeat, SendsTheNextPingOneIntervalAfterThePong) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  heartbeat.on_pong(at(26000), kTiming);
  EXPECT_EQ(heartbeat.deadline(), at(51000));
  EXPECT_EQ(heartbeat.tick(at(51000), kTiming), Action::send_ping);
}

TEST(Heartbeat, RestartsTheIntervalUponAPongThatNobodyAskedFor) {
  Heartbeat heartbeat(at(0), kTiming);
  heartbeat.on_pong(at(10000), kTiming);
  EXPECT_EQ(heartbeat.tick(at(25000), kTiming), Action::none);
  EXPECT_EQ(heartbeat.tick(at(35000), kTiming), Action::send_ping);
}

TEST(Heartbeat, WaitsAnotherTimeoutForAPongThatCouldNotBeAskedForYet) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  heartbeat.extend(at(40000), kTiming);
  EXPECT_EQ(heartbeat.tick(at(45000), kTiming), Action::none);
  EXPECT_EQ(heartbeat.tick(at(60000), kTiming), Action::timed_out);
}

TEST(Heartbeat, IsNotExtendedWhileNoPongIsDue) {
  Heartbeat heartbeat(at(0), kTiming);
  heartbeat.extend(at(20000), kTiming);
  EXPECT_EQ(heartbeat.deadline(), at(25000));
}

TEST(Heartbeat, MeasuresFromThePingToItsPong) {
  Heartbeat heartbeat(at(0), kTiming);
  EXPECT_EQ(heartbeat.last_round_trip(), std::nullopt);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  EXPECT_EQ(heartbeat.on_pong(at(25042), kTiming), milliseconds(42));
  EXPECT_EQ(heartbeat.last_round_trip(), milliseconds(42));
}

TEST(Heartbeat, DoesNotMeasureAPongThatNobodyAskedFor) {
  Heartbeat heartbeat(at(0), kTiming);
  EXPECT_EQ(heartbeat.on_pong(at(10), kTiming), std::nullopt);
  EXPECT_EQ(heartbeat.last_round_trip(), std::nullopt);
}

TEST(Heartbeat, DoesNotMeasureAPingThatWaitedInTheOutbox) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  heartbeat.extend(at(45000), kTiming);
  EXPECT_EQ(heartbeat.on_pong(at(45001), kTiming), std::nullopt);
  ASSERT_EQ(heartbeat.tick(at(70001), kTiming), Action::send_ping);
  EXPECT_EQ(heartbeat.on_pong(at(70011), kTiming), milliseconds(10));
}

}  // namespace
}  // namespace crolang::engineio
