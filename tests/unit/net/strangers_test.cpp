#include "net/strangers.hpp"

#include <gtest/gtest.h>

#include <map>

namespace crolang::net {
namespace {

using session::SessionHandle;
using Kind = Strangers::Kind;

class StrangersTest : public testing::Test {
 protected:
  SessionHandle add(Kind kind) {
    const SessionHandle handle{++last_slot_, 1, 0};
    kinds_[handle.slot] = kind;
    strangers_.add(handle, judge_);
    return handle;
  }
  std::optional<SessionHandle> take() { return strangers_.take_idle(judge_); }

  Strangers strangers_;
  std::map<std::uint32_t, Kind> kinds_;
  std::uint32_t last_slot_ = 0;
  std::function<Kind(SessionHandle)> judge_ = [this](SessionHandle each) {
    return kinds_.at(each.slot);
  };
};

TEST_F(StrangersTest, GivesTheOldestIdleOneFirst) {
  const SessionHandle first = add(Kind::idle);
  const SessionHandle second = add(Kind::idle);
  EXPECT_EQ(take(), first);
  EXPECT_EQ(take(), second);
  EXPECT_EQ(take(), std::nullopt);
}

TEST_F(StrangersTest, PassesOverNodesAndTheGone) {
  add(Kind::gone_or_node);
  const SessionHandle idle = add(Kind::idle);
  EXPECT_EQ(take(), idle);
  EXPECT_EQ(strangers_.listed(), 0U);
}

TEST_F(StrangersTest, FindsTheIdleOneBehindAnyNumberOfBusyOnes) {
  for (int i = 0; i < 1000; ++i) add(Kind::busy);
  const SessionHandle idle = add(Kind::idle);
  EXPECT_EQ(take(), idle);
}

TEST_F(StrangersTest, LooksAtEachBusyOneOnce) {
  for (int i = 0; i < 1000; ++i) add(Kind::busy);
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(strangers_.listed(), 0U);
}

TEST_F(StrangersTest, DoesNotGrowWithWhatIsGone) {
  for (int i = 0; i < 100'000; ++i) kinds_[add(Kind::idle).slot] = Kind::gone_or_node;
  EXPECT_LT(strangers_.listed(), 200U);
}

TEST_F(StrangersTest, KeepsEverybodyElseWhenItTidies) {
  for (int i = 0; i < 500; ++i) {
    add(Kind::idle);
    kinds_[add(Kind::idle).slot] = Kind::gone_or_node;
  }
  int taken = 0;
  while (take()) ++taken;
  EXPECT_EQ(taken, 500);
}

}  // namespace
}  // namespace crolang::net
