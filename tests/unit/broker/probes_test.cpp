#include "broker/probes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "crolang/plugin.h"
#include "unit/broker/harness.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::State;
using ::testing::ElementsAre;
using testing::Harness;
using ::testing::IsEmpty;

class ProbesTest : public ::testing::Test {
 protected:
  void begin(const Node& session, std::chrono::milliseconds timeout = 1500ms) {
    begin(session.handle(), session.token(), timeout);
  }
  void begin(SessionHandle handle, std::uint64_t token,
             std::chrono::milliseconds timeout = 1500ms) {
    probes.begin(handle, token, harness.now, timeout,
                 [this](std::int32_t result) { results.push_back(result); });
  }
  void pass(std::chrono::milliseconds time) {
    harness.pass(time);
    probes.tick(harness.now);
  }

  Harness harness;
  Node& bob = harness.join("bob");
  Probes probes{harness, harness.broker.context()};
  std::vector<std::int32_t> results;
};

TEST_F(ProbesTest, PingTheSession) {
  begin(bob);

  EXPECT_THAT(harness.sent(bob), ElementsAre("2"));
  EXPECT_THAT(results, IsEmpty());
}

TEST_F(ProbesTest, KeepABoundedNumberWaitingForOneResult) {
  for (int i = 0; i < 5000; ++i) begin(bob);
  EXPECT_EQ(results, std::vector<std::int32_t>(904, CROLANG_UNREACHABLE));

  results.clear();
  probes.on_activity(bob);

  EXPECT_EQ(results, std::vector<std::int32_t>(4096, CROLANG_ALIVE));
}

TEST_F(ProbesTest, SayAliveAtTheFirstByte) {
  begin(bob);

  probes.on_activity(bob);

  EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE));
}

TEST_F(ProbesTest, CloseASilentSession) {
  begin(bob);
  harness.sent(bob);

  pass(1499ms);
  EXPECT_THAT(results, IsEmpty());
  pass(1ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED));
  EXPECT_THAT(harness.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(harness.counters.value(telemetry::Counter::closed_yielded), 1u);
}

TEST_F(ProbesTest, CloseBeforeTheyReport) {
  State seen = State::joined;
  probes.begin(bob.handle(), bob.token(), harness.now, 1s,
               [&](std::int32_t) { seen = bob.state(); });

  pass(1s);

  EXPECT_EQ(seen, State::closing);
}

TEST_F(ProbesTest, AskOnceForAllAskers) {
  for (int i = 0; i < 50; ++i) begin(bob);
  EXPECT_THAT(harness.sent(bob), ElementsAre("2"));

  probes.on_activity(bob);

  EXPECT_EQ(results, std::vector<std::int32_t>(50, CROLANG_ALIVE));
}

TEST_F(ProbesTest, AreNotProlongedByLaterAskers) {
  begin(bob, 1500ms);
  pass(1s);
  begin(bob, 1500ms);

  pass(500ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED, CROLANG_YIELDED));
}

TEST_F(ProbesTest, AskAnewAfterAResult) {
  begin(bob);
  probes.on_activity(bob);
  harness.sent(bob);

  begin(bob);

  EXPECT_THAT(harness.sent(bob), ElementsAre("2"));
  pass(1500ms);
  EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE, CROLANG_YIELDED));
}

TEST_F(ProbesTest, TakeAReaderThatCatchesUpForAlive) {
  harness.backlogs[bob.handle().slot] = 1000;
  begin(bob);

  harness.backlogs[bob.handle().slot] = 1001;
  pass(1500ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE));
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(ProbesTest, TakeAReaderThatHasCaughtUpForAlive) {
  harness.backlogs[bob.handle().slot] = 1000;
  begin(bob);

  harness.backlogs.clear();
  pass(1500ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_ALIVE));
}

TEST_F(ProbesTest, CloseAReaderThatReadNothing) {
  harness.backlogs[bob.handle().slot] = 1000;
  begin(bob);

  pass(1500ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED));
}

TEST_F(ProbesTest, DoNotCountABacklogThatAroseLater) {
  begin(bob);

  harness.backlogs[bob.handle().slot] = 1000;
  pass(1500ms);

  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED));
}

TEST_F(ProbesTest, SayGoneWhenTheSessionEnds) {
  begin(bob);

  probes.on_end(bob);

  EXPECT_THAT(results, ElementsAre(CROLANG_GONE));
  pass(1500ms);
  EXPECT_EQ(results.size(), 1u);
}

TEST_F(ProbesTest, SayGoneOfAnotherToken) {
  begin(bob.handle(), bob.token() + 1);

  EXPECT_THAT(results, ElementsAre(CROLANG_GONE));
  EXPECT_THAT(harness.sent(bob), IsEmpty());
}

TEST_F(ProbesTest, SayGoneOfANodeThatHasLeft) {
  const SessionHandle handle = bob.handle();
  const std::uint64_t token = bob.token();
  harness.cut(bob);

  begin(handle, token);

  EXPECT_THAT(results, ElementsAre(CROLANG_GONE));
}

TEST_F(ProbesTest, SayGoneOfAClosingSession) {
  const std::uint64_t token = bob.token();
  harness.broker.shut_down(bob);

  begin(bob.handle(), token);

  EXPECT_THAT(results, ElementsAre(CROLANG_GONE));
}

TEST_F(ProbesTest, NeverEvictANodeDuringItsAdmission) {
  Node& newcomer = harness.request_upgrade(testing::query_of("eve"));
  newcomer.set_token(7);

  begin(newcomer);

  EXPECT_THAT(results, ElementsAre(CROLANG_UNREACHABLE));
}

TEST_F(ProbesTest, ReachANodeWithATransportThatHasNotConnectedYet) {
  Node& newcomer = harness.request_upgrade(testing::query_of("eve"));
  harness.broker.admit(newcomer);
  harness.sent(newcomer);

  begin(newcomer);

  EXPECT_THAT(harness.sent(newcomer), ElementsAre("2"));
}

TEST_F(ProbesTest, AreDueAtTheEarliestDeadline) {
  Node& eve = harness.join("eve");
  EXPECT_EQ(probes.deadline(), Probes::TimePoint::max());

  begin(bob, 1500ms);
  begin(eve, 300ms);

  EXPECT_EQ(probes.deadline(), harness.now + 300ms);
  pass(300ms);
  EXPECT_THAT(results, ElementsAre(CROLANG_YIELDED));
  EXPECT_EQ(probes.deadline(), harness.now + 1200ms);
}

}  // namespace
}  // namespace crolang::broker
