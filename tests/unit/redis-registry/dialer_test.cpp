#include "redis-registry/dialer.hpp"

#include <gmock/gmock.h>

namespace crolang::redis_registry {
namespace {

using State = Dialer::State;
using testing::ElementsAre;

constexpr Dialer::TimePoint kNow{std::chrono::hours(1)};

/// The hosts of a round, all of which are addresses.
std::vector<std::string> round_of(Dialer& dialer) {
  dialer.begin_round();
  std::vector<std::string> found;
  while (dialer.next(kNow) == State::found) found.push_back(dialer.target().host.name());
  return found;
}

TEST(Dialer, TriesEachHostOfARound) {
  Dialer dialer({{"127.0.0.1", 1}, {"::1", 2}, {"127.0.0.3", 3}});
  EXPECT_THAT(round_of(dialer), ElementsAre("127.0.0.1:1", "[::1]:2", "127.0.0.3:3"));
  EXPECT_EQ(dialer.next(kNow), State::exhausted);
  EXPECT_EQ(dialer.target().address, "127.0.0.3");
}

TEST(Dialer, BeginsWithTheHostThatWasUsedLast) {
  Dialer dialer({{"127.0.0.1", 1}, {"127.0.0.2", 2}, {"127.0.0.3", 3}});
  dialer.begin_round();
  ASSERT_EQ(dialer.next(kNow), State::found);
  ASSERT_EQ(dialer.next(kNow), State::found);
  EXPECT_EQ(dialer.target().host.port, 2);
  EXPECT_THAT(round_of(dialer), ElementsAre("127.0.0.2:2", "127.0.0.3:3", "127.0.0.1:1"));
}

TEST(Dialer, GoesOnWithANewList) {
  Dialer dialer({{"127.0.0.1", 1}, {"127.0.0.2", 2}});
  dialer.begin_round();
  ASSERT_EQ(dialer.next(kNow), State::found);
  ASSERT_EQ(dialer.next(kNow), State::found);
  dialer.renew({{"127.0.0.3", 3}, {"127.0.0.2", 2}, {"127.0.0.4", 4}});
  EXPECT_EQ(dialer.target().host.port, 2);
  ASSERT_EQ(dialer.next(kNow), State::found);
  EXPECT_EQ(dialer.target().host.port, 4);
  ASSERT_EQ(dialer.next(kNow), State::found);
  EXPECT_EQ(dialer.target().host.port, 3);
  EXPECT_EQ(dialer.next(kNow), State::exhausted);
  EXPECT_FALSE(dialer.contains({"127.0.0.1", 1}));
  EXPECT_THAT(round_of(dialer), ElementsAre("127.0.0.3:3", "127.0.0.2:2", "127.0.0.4:4"));
}

TEST(Dialer, ForgetsAHostThatIsInUseWithTheNextListOnly) {
  Dialer dialer({{"127.0.0.1", 1}, {"127.0.0.2", 2}});
  dialer.begin_round();
  ASSERT_EQ(dialer.next(kNow), State::found);
  dialer.renew({{"127.0.0.2", 2}, {"127.0.0.3", 3}});
  EXPECT_EQ(dialer.size(), 3U);
  ASSERT_EQ(dialer.next(kNow), State::found);
  EXPECT_EQ(dialer.target().host.port, 2);
  dialer.renew({{"127.0.0.2", 2}, {"127.0.0.3", 3}});
  EXPECT_THAT(round_of(dialer), ElementsAre("127.0.0.2:2", "127.0.0.3:3"));
}

TEST(Dialer, BeginsWithANewList) {
  Dialer dialer({{"127.0.0.1", 1}});
  dialer.renew({{"127.0.0.2", 2}});
  EXPECT_EQ(dialer.next(kNow), State::found);
  EXPECT_EQ(dialer.target().host.port, 2);
}

TEST(Dialer, HasNothingBeforeARound) {
  Dialer dialer({{"127.0.0.1", 1}});
  EXPECT_EQ(dialer.next(kNow), State::exhausted);
}

}  // namespace
}  // namespace crolang::redis_registry
