#include "broker/probes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "crolang/plugin.h"
#include "unit/broker/house.hpp"

namespace crolang::broker {
namespace {

using namespace std::chrono_literals;
using session::State;
using ::testing::ElementsAre;
using testing::House;
using ::testing::IsEmpty;
using testing::Session;

class ProbesTest : public ::testing::Test {
 protected:
  void begin(const Session& session, std::chrono::milliseconds timeout = 1500ms) {
    begin(session.handle(), session.token(), timeout);
  }
  void begin(SessionHandle handle, std::uint64_t token,
             std::chrono::milliseconds timeout = 1500ms) {
    probes.begin(handle, token, house.now, timeout,
                 [this](std::int32_t verdict) { verdicts.push_back(verdict); });
  }
  void pass(std::chrono::milliseconds time) {
    house.pass(time);
    probes.tick(house.now);
  }

  House house;
  Session& bob = house.join("bob");
  Probes probes{house, house.broker.bench()};
  std::vector<std::int32_t> verdicts;
};

TEST_F(ProbesTest, AskForASignOfLife) {
  begin(bob);

  EXPECT_THAT(house.sent(bob), ElementsAre("2"));
  EXPECT_THAT(verdicts, IsEmpty());
}

TEST_F(ProbesTest, KeepABoundedNumberWaitingForOneVerdict) {
  for (int i = 0; i < 5000; ++i) begin(bob);
  EXPECT_EQ(verdicts, std::vector<std::int32_t>(904, CROLANG_UNREACHABLE));

  verdicts.clear();
  probes.on_sign_of_life(bob);

  EXPECT_EQ(verdicts, std::vector<std::int32_t>(4096, CROLANG_ALIVE));
}

TEST_F(ProbesTest, SayAliveAtTheFirstByte) {
  begin(bob);

  probes.on_sign_of_life(bob);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE));
}

TEST_F(ProbesTest, CloseWhoIsSilent) {
  begin(bob);
  house.sent(bob);

  pass(1499ms);
  EXPECT_THAT(verdicts, IsEmpty());
  pass(1ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED));
  EXPECT_THAT(house.sent(bob), ElementsAre("41", "close"));
  EXPECT_EQ(bob.state(), State::closing);
  EXPECT_EQ(house.counters.value(telemetry::Counter::closed_yielded), 1u);
}

TEST_F(ProbesTest, CloseBeforeTheySaySo) {
  State seen = State::joined;
  probes.begin(bob.handle(), bob.token(), house.now, 1s, [&](std::int32_t) { seen = bob.state(); });

  pass(1s);

  EXPECT_EQ(seen, State::closing);
}

TEST_F(ProbesTest, AskOnceForAllWhoWant) {
  for (int i = 0; i < 50; ++i) begin(bob);
  EXPECT_THAT(house.sent(bob), ElementsAre("2"));

  probes.on_sign_of_life(bob);

  EXPECT_EQ(verdicts, std::vector<std::int32_t>(50, CROLANG_ALIVE));
}

TEST_F(ProbesTest, AreNotProlongedByLaterAskers) {
  begin(bob, 1500ms);
  pass(1s);
  begin(bob, 1500ms);

  pass(500ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED, CROLANG_YIELDED));
}

TEST_F(ProbesTest, AskAnewAfterAVerdict) {
  begin(bob);
  probes.on_sign_of_life(bob);
  house.sent(bob);

  begin(bob);

  EXPECT_THAT(house.sent(bob), ElementsAre("2"));
  pass(1500ms);
  EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE, CROLANG_YIELDED));
}

TEST_F(ProbesTest, TakeAReaderWhoCatchesUpForAlive) {
  house.backlogs[bob.handle().slot] = 1000;
  begin(bob);

  house.backlogs[bob.handle().slot] = 1001;
  pass(1500ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE));
  EXPECT_EQ(bob.state(), State::joined);
}

TEST_F(ProbesTest, TakeAReaderWhoHasCaughtUpForAlive) {
  house.backlogs[bob.handle().slot] = 1000;
  begin(bob);

  house.backlogs.clear();
  pass(1500ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_ALIVE));
}

TEST_F(ProbesTest, CloseAReaderWhoTookNothing) {
  house.backlogs[bob.handle().slot] = 1000;
  begin(bob);

  pass(1500ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED));
}

TEST_F(ProbesTest, TakeNoBacklogThatAroseLaterForASignOfLife) {
  begin(bob);

  house.backlogs[bob.handle().slot] = 1000;
  pass(1500ms);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED));
}

TEST_F(ProbesTest, SayGoneWhenTheSessionEnds) {
  begin(bob);

  probes.on_end(bob);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_GONE));
  pass(1500ms);
  EXPECT_EQ(verdicts.size(), 1u);
}

TEST_F(ProbesTest, SayGoneOfAnotherToken) {
  begin(bob.handle(), bob.token() + 1);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_GONE));
  EXPECT_THAT(house.sent(bob), IsEmpty());
}

TEST_F(ProbesTest, SayGoneOfWhoHasLeft) {
  const SessionHandle handle = bob.handle();
  const std::uint64_t token = bob.token();
  house.cut(bob);

  begin(handle, token);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_GONE));
}

TEST_F(ProbesTest, SayGoneOfWhoIsClosing) {
  const std::uint64_t token = bob.token();
  house.broker.shut_down(bob);

  begin(bob.handle(), token);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_GONE));
}

TEST_F(ProbesTest, NeverEvictWhoIsAtTheDoor) {
  Session& newcomer = house.knock(testing::query_of("eve"));
  newcomer.set_token(7);

  begin(newcomer);

  EXPECT_THAT(verdicts, ElementsAre(CROLANG_UNREACHABLE));
}

TEST_F(ProbesTest, ReachWhoHasItsTransportButHasNotConnectedYet) {
  Session& newcomer = house.knock(testing::query_of("eve"));
  house.broker.admit(newcomer);
  house.sent(newcomer);

  begin(newcomer);

  EXPECT_THAT(house.sent(newcomer), ElementsAre("2"));
}

TEST_F(ProbesTest, AreDueAtTheEarliestDeadline) {
  Session& eve = house.join("eve");
  EXPECT_EQ(probes.deadline(), Probes::TimePoint::max());

  begin(bob, 1500ms);
  begin(eve, 300ms);

  EXPECT_EQ(probes.deadline(), house.now + 300ms);
  pass(300ms);
  EXPECT_THAT(verdicts, ElementsAre(CROLANG_YIELDED));
  EXPECT_EQ(probes.deadline(), house.now + 1200ms);
}

}  // namespace
}  // namespace crolang::broker
