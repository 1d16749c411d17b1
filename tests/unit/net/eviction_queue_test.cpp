#include "net/eviction_queue.hpp"

#include <gtest/gtest.h>

#include <map>

namespace crolang::net {
namespace {

using session::SessionHandle;
using Kind = EvictionQueue::Kind;

class EvictionQueueTest : public ::testing::Test {
 protected:
  SessionHandle add(Kind kind) {
    const SessionHandle handle{++last_slot_, 1, 0};
    kinds_[handle.slot] = kind;
    evictable_.add(handle, classify_);
    return handle;
  }
  std::optional<SessionHandle> take() { return evictable_.take_idle(classify_); }

  EvictionQueue evictable_;
  std::map<std::uint32_t, Kind> kinds_;
  std::uint32_t last_slot_ = 0;
  std::function<Kind(SessionHandle)> classify_ = [this](SessionHandle each) {
    return kinds_.at(each.slot);
  };
};

TEST_F(EvictionQueueTest, GivesTheOldestIdleOneFirst) {
  const SessionHandle first = add(Kind::idle);
  const SessionHandle second = add(Kind::idle);
  EXPECT_EQ(take(), first);
  EXPECT_EQ(take(), second);
  EXPECT_EQ(take(), std::nullopt);
}

TEST_F(EvictionQueueTest, SkipsNodesAndEndedConnections) {
  add(Kind::gone_or_node);
  const SessionHandle idle = add(Kind::idle);
  EXPECT_EQ(take(), idle);
  EXPECT_EQ(evictable_.listed(), 0U);
}

TEST_F(EvictionQueueTest, FindsTheIdleOneBehindAnyNumberOfBusyOnes) {
  for (int i = 0; i < 1000; ++i) add(Kind::busy);
  const SessionHandle idle = add(Kind::idle);
  EXPECT_EQ(take(), idle);
}

TEST_F(EvictionQueueTest, LooksAtEachBusyOneOnce) {
  for (int i = 0; i < 1000; ++i) add(Kind::busy);
  EXPECT_EQ(take(), std::nullopt);
  EXPECT_EQ(evictable_.listed(), 0U);
}

TEST_F(EvictionQueueTest, DoesNotGrowWithEndedConnections) {
  for (int i = 0; i < 100'000; ++i) kinds_[add(Kind::idle).slot] = Kind::gone_or_node;
  EXPECT_LT(evictable_.listed(), 200U);
}

TEST_F(EvictionQueueTest, KeepsAllOthersWhenItCompacts) {
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
