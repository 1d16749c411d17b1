#include "net/timer_wheel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <vector>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kTurn = TimerWheel::kTick * 4096;

class TimerWheelTest : public ::testing::Test {
 protected:
  /// Which of `nodes` fire when `time` passes, in that order.
  std::vector<std::size_t> pass(std::chrono::nanoseconds time) {
    now += time;
    std::vector<std::size_t> fired;
    wheel.advance(now, [&](TimerNode& node) {
      fired.push_back(static_cast<std::size_t>(&node - nodes.data()));
    });
    return fired;
  }

  TimePoint now = TimePoint{} + 1000h;
  TimerWheel wheel{now};
  std::vector<TimerNode> nodes = std::vector<TimerNode>(8);
};

TEST_F(TimerWheelTest, FiresNothingWhileNothingIsSet) {
  EXPECT_THAT(pass(1h), IsEmpty());
  EXPECT_EQ(wheel.next(), TimePoint::max());
}

TEST_F(TimerWheelTest, NeverFiresEarly) {
  wheel.schedule(nodes[0], now + 100ms);

  EXPECT_THAT(pass(100ms - 1ns), IsEmpty());
  EXPECT_TRUE(nodes[0].armed());
}

TEST_F(TimerWheelTest, FiresAtMostOneTickLate) {
  wheel.schedule(nodes[0], now + 100ms);

  EXPECT_THAT(pass(110ms), ElementsAre(0));
  EXPECT_FALSE(nodes[0].armed());
}

TEST_F(TimerWheelTest, FiresOnce) {
  wheel.schedule(nodes[0], now + 100ms);
  pass(110ms);

  EXPECT_THAT(pass(10 * kTurn), IsEmpty());
}

TEST_F(TimerWheelTest, FiresADeadlineThatHasPassedAtTheNextTick) {
  pass(5s);
  wheel.schedule(nodes[0], now - 3s);

  EXPECT_THAT(pass(TimerWheel::kTick), ElementsAre(0));
}

TEST_F(TimerWheelTest, FiresADeadlineBeforeItsCreationAtTheFirstTick) {
  wheel.schedule(nodes[0], TimePoint{});

  EXPECT_THAT(pass(TimerWheel::kTick), ElementsAre(0));
}

TEST_F(TimerWheelTest, KeepsADeadlineBeyondItsRotation) {
  wheel.schedule(nodes[0], now + 3 * kTurn + 50ms);

  for (int turn = 0; turn < 3; ++turn) EXPECT_THAT(pass(kTurn), IsEmpty());
  EXPECT_THAT(pass(49ms), IsEmpty());
  EXPECT_THAT(pass(11ms), ElementsAre(0));
}

TEST_F(TimerWheelTest, FiresEverythingThatIsDueAfterALongPause) {
  wheel.schedule(nodes[0], now + 1ms);
  wheel.schedule(nodes[1], now + kTurn);
  wheel.schedule(nodes[2], now + 2 * kTurn + 5s);
  wheel.schedule(nodes[3], now + 100 * kTurn);

  EXPECT_THAT(pass(10 * kTurn), ::testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_TRUE(nodes[3].armed());
}

TEST_F(TimerWheelTest, MovesADeadlineBack) {
  wheel.schedule(nodes[0], now + 100ms);
  wheel.schedule(nodes[0], now + 200ms);

  EXPECT_THAT(pass(150ms), IsEmpty());
  EXPECT_THAT(pass(60ms), ElementsAre(0));
}

TEST_F(TimerWheelTest, MovesADeadlineForward) {
  wheel.schedule(nodes[0], now + 10s);
  wheel.schedule(nodes[0], now + 100ms);

  EXPECT_THAT(pass(110ms), ElementsAre(0));
  EXPECT_THAT(pass(20s), IsEmpty());
}

TEST_F(TimerWheelTest, ForgetsWhatIsCancelled) {
  wheel.schedule(nodes[0], now + 100ms);

  wheel.cancel(nodes[0]);
  wheel.cancel(nodes[0]);

  EXPECT_FALSE(nodes[0].armed());
  EXPECT_EQ(wheel.next(), TimePoint::max());
  EXPECT_THAT(pass(1s), IsEmpty());
}

TEST_F(TimerWheelTest, TakesTheEndOfTimeForNoDeadline) {
  wheel.schedule(nodes[0], now + 100ms);
  wheel.schedule(nodes[0], TimePoint::max());

  EXPECT_FALSE(nodes[0].armed());
}

TEST_F(TimerWheelTest, KeepsNeighboursOfACancelledDeadline) {
  for (TimerNode& node : nodes) wheel.schedule(node, now + 100ms);

  wheel.cancel(nodes[0]);
  wheel.cancel(nodes[7]);
  wheel.cancel(nodes[3]);

  EXPECT_THAT(pass(110ms), ElementsAre(1, 2, 4, 5, 6));
}

TEST_F(TimerWheelTest, LetsANodeSetItselfAgainWhileItFires) {
  wheel.schedule(nodes[0], now + 100ms);
  int fired = 0;
  for (int i = 0; i < 100; ++i) {
    now += 110ms;
    wheel.advance(now, [&](TimerNode& node) {
      ++fired;
      wheel.schedule(node, now + 100ms);
    });
  }

  EXPECT_EQ(fired, 100);
}

TEST_F(TimerWheelTest, FiresWhatIsSetToThePastWhileFiringAtTheNextTick) {
  wheel.schedule(nodes[0], now + 100ms);
  now += 110ms;
  int fired = 0;
  wheel.advance(now, [&](TimerNode& node) {
    ++fired;
    wheel.schedule(node, now - 1s);
  });

  EXPECT_EQ(fired, 1);
  EXPECT_THAT(pass(TimerWheel::kTick), ElementsAre(0));
}

TEST_F(TimerWheelTest, LetsANodeCancelOthersThatAreDueWithIt) {
  for (TimerNode& node : nodes) wheel.schedule(node, now + 100ms);
  now += 110ms;
  std::vector<TimerNode*> fired;
  wheel.advance(now, [&](TimerNode& node) {
    fired.push_back(&node);
    for (TimerNode& other : nodes) wheel.cancel(other);
  });

  EXPECT_THAT(fired, ElementsAre(&nodes[0]));
  EXPECT_EQ(wheel.next(), TimePoint::max());
}

TEST_F(TimerWheelTest, LetsANodeMoveOthersThatAreDueWithIt) {
  for (TimerNode& node : nodes) wheel.schedule(node, now + 100ms);
  now += 110ms;
  wheel.advance(now, [&](TimerNode&) {
    for (TimerNode& other : nodes) {
      if (other.armed()) wheel.schedule(other, now + 1s);
    }
  });

  EXPECT_THAT(pass(1010ms), ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(TimerWheelTest, LetsANodeSetOthersOneRotationAhead) {
  wheel.schedule(nodes[0], now + 100ms);
  now += 110ms;
  // That is the bucket which is being emptied.
  wheel.advance(now, [&](TimerNode&) { wheel.schedule(nodes[1], now + kTurn - 1ms); });

  EXPECT_THAT(pass(kTurn - 2ms), IsEmpty());
  EXPECT_THAT(pass(12ms), ElementsAre(1));
}

TEST_F(TimerWheelTest, SaysWhenItHasSomethingToDoNext) {
  wheel.schedule(nodes[0], now + 100ms);
  wheel.schedule(nodes[1], now + 5s);

  EXPECT_EQ(wheel.next(), now + 110ms);
  pass(110ms);
  EXPECT_EQ(wheel.next(), now - 110ms + 5010ms);
}

TEST_F(TimerWheelTest, SaysSoAtEveryPlaceOfTheWheel) {
  for (int i = 0; i < 4096 + 70; ++i) {
    pass(TimerWheel::kTick);
    for (const auto ahead : {1, 63, 64, 65, 2000, 4094}) {
      wheel.schedule(nodes[0], now + ahead * TimerWheel::kTick);
      ASSERT_EQ(wheel.next(), now + (ahead + 1) * TimerWheel::kTick) << i << " " << ahead;
    }
    wheel.cancel(nodes[0]);
  }
}

/// The wheel against a sorted map, over random deadlines, moves, cancellations and pauses.
class TimerWheelPropertyTest : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(, TimerWheelPropertyTest, ::testing::Range(0u, 20u));

TEST_P(TimerWheelPropertyTest, AgreesWithASortedMap) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::int64_t bound) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
  };
  const auto some_time = [&] {
    constexpr std::int64_t kScales[] = {1, 30, 1'000, 30'000, 200'000};
    return std::chrono::microseconds(below(1000 * kScales[below(std::ssize(kScales))]));
  };
  TimePoint now = TimePoint{} + some_time();
  TimerWheel wheel(now);
  std::vector<TimerNode> nodes(200);
  std::map<TimerNode*, TimePoint> model;  // what is armed

  const auto change_one = [&] {
    TimerNode& node = nodes[static_cast<std::size_t>(below(std::ssize(nodes)))];
    if (below(4) == 0) {
      wheel.cancel(node);
      model.erase(&node);
    } else {
      const TimePoint due = now + some_time() - (below(8) == 0 ? some_time() : 0us);
      wheel.schedule(node, due);
      model[&node] = due;
    }
  };

  for (int step = 0; step < 2000; ++step) {
    for (std::int64_t i = below(5); i > 0; --i) change_one();
    now += below(3) == 0 ? some_time() : std::chrono::microseconds(below(20'000));
    wheel.advance(now, [&](TimerNode& node) {
      const auto found = model.find(&node);
      ASSERT_NE(found, model.end()) << "fired without being armed";
      EXPECT_LE(found->second, now) << "fired early";
      model.erase(found);
      for (std::int64_t i = below(3); i > 0; --i) change_one();
    });
    const TimePoint next = wheel.next();
    EXPECT_EQ(next == TimePoint::max(), model.empty());
    for (const auto& [node, due] : model) {
      ASSERT_TRUE(node->armed());
      EXPECT_LE(next, std::max(due, now) + TimerWheel::kTick) << "would be waited for too long";
    }
    const auto armed = std::ranges::count_if(nodes, [](const TimerNode& n) { return n.armed(); });
    ASSERT_EQ(static_cast<std::size_t>(armed), model.size());
    // Who runs the wheel at next() finds nothing more than a tick late.
    if (below(2) == 0 && next != TimePoint::max()) now = std::max(now, next);
  }
  while (!model.empty()) {
    now = std::max(now, wheel.next());
    wheel.advance(now, [&](TimerNode& node) {
      EXPECT_LE(model.at(&node), now);
      model.erase(&node);
    });
  }
  EXPECT_EQ(wheel.next(), TimePoint::max());
}

TEST_P(TimerWheelPropertyTest, IsNeverMoreThanATickLateWhenRunAtNext) {
  std::mt19937_64 random(GetParam());
  TimePoint now = TimePoint{} + 1h;
  TimerWheel wheel(now);
  std::vector<TimerNode> nodes(200);
  for (TimerNode& node : nodes) {
    wheel.schedule(node, now + std::chrono::microseconds(random() % 100'000'000));
  }
  std::size_t fired = 0;
  while (wheel.next() != TimePoint::max()) {
    now = wheel.next();
    wheel.advance(now, [&](TimerNode& node) {
      ++fired;
      EXPECT_LE(node.due, now);
      EXPECT_LE(now - node.due, TimerWheel::kTick);
    });
  }

  EXPECT_EQ(fired, nodes.size());
}

}  // namespace
}  // namespace crolang::net
