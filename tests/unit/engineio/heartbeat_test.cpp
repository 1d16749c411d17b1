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

TEST(Heartbeat, MeasuresHowLongAPongTakes) {
  Heartbeat heartbeat(at(0), kTiming);
  EXPECT_EQ(heartbeat.round_trip(), std::nullopt);
  // Sent late: it counts from then.
  ASSERT_EQ(heartbeat.tick(at(30000), kTiming), Action::send_ping);
  EXPECT_EQ(heartbeat.round_trip(), std::nullopt);
  heartbeat.on_pong(at(30042), kTiming);
  EXPECT_EQ(heartbeat.round_trip(), milliseconds(42));
  ASSERT_EQ(heartbeat.tick(at(55042), kTiming), Action::send_ping);
  heartbeat.on_pong(at(55042), kTiming);
  EXPECT_EQ(heartbeat.round_trip(), milliseconds(0));
}

TEST(Heartbeat, DoesNotMeasureAPongThatNobodyAskedFor) {
  Heartbeat heartbeat(at(0), kTiming);
  heartbeat.on_pong(at(10), kTiming);
  EXPECT_EQ(heartbeat.round_trip(), std::nullopt);
}

TEST(Heartbeat, DoesNotMeasureAPongWhosePingWasQueued) {
  Heartbeat heartbeat(at(0), kTiming);
  ASSERT_EQ(heartbeat.tick(at(25000), kTiming), Action::send_ping);
  heartbeat.extend(at(45000), kTiming);
  heartbeat.on_pong(at(45001), kTiming);
  EXPECT_EQ(heartbeat.round_trip(), std::nullopt);
  // The next one is measured again.
  ASSERT_EQ(heartbeat.tick(at(70001), kTiming), Action::send_ping);
  heartbeat.on_pong(at(70008), kTiming);
  EXPECT_EQ(heartbeat.round_trip(), milliseconds(7));
}

}  // namespace
}  // namespace crolang::engineio
