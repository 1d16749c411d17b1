#include "net/address_limits.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using Result = AddressLimits::Result;

PeerAddress address(std::string_view text) {
  return client_address::parse_address(text).value();
}

/// The nth of many IPv6 networks.
PeerAddress network(std::uint32_t n) {
  PeerAddress made = address("2001:db8::1");
  for (std::size_t i = 0; i < 4; ++i) {
    made.bytes[4 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  }
  return made;
}

const PeerAddress kAnn = address("192.0.2.1");
const PeerAddress kBob = address("192.0.2.2");

class AddressLimitsTest : public ::testing::Test {
 protected:
  /// How many of so many connections that are opened at once may stay.
  int admitted(AddressLimits& limits, int connections, const PeerAddress& from = kAnn) {
    int stay = 0;
    for (int i = 0; i < connections; ++i) {
      const Result result = limits.admit(from, now_);
      stay += result == Result::too_many || result == Result::too_fast ? 0 : 1;
    }
    return stay;
  }

  AddressLimits::TimePoint now_{1000s};
  AddressLimits count_{{.connections = 3}, 0};
  AddressLimits rate_{{.connections_per_second = 2}, 0};
};

TEST_F(AddressLimitsTest, AllowSoManyConnectionsOfAnAddressAtOnce) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(count_.admit(kAnn, now_), Result::counted);
  EXPECT_EQ(count_.admit(kAnn, now_), Result::too_many);
  EXPECT_EQ(count_.admit(kBob, now_), Result::counted);
}

TEST_F(AddressLimitsTest, AllowAnotherOneForEachThatHasEnded) {
  EXPECT_EQ(admitted(count_, 9), 3);
  count_.release(kAnn);
  EXPECT_EQ(admitted(count_, 9), 1);
  for (int i = 0; i < 3; ++i) count_.release(kAnn);
  EXPECT_EQ(admitted(count_, 9), 3);
}

TEST_F(AddressLimitsTest, TakeABurstOfTenSecondsAndThenTheRate) {
  EXPECT_EQ(admitted(rate_, 100), 20);
  EXPECT_EQ(rate_.admit(kAnn, now_), Result::too_fast);
  EXPECT_EQ(admitted(rate_, 100, kBob), 20);
  now_ += 5s;
  EXPECT_EQ(admitted(rate_, 100), 10);
  now_ += 1h;
  EXPECT_EQ(admitted(rate_, 100), 20);
}

TEST_F(AddressLimitsTest, DoNotChargeTheRateForWhatIsRefused) {
  AddressLimits both({.connections = 1, .connections_per_second = 1}, 0);
  EXPECT_EQ(both.admit(kAnn, now_), Result::counted);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(both.admit(kAnn, now_), Result::too_many);
  both.release(kAnn);
  EXPECT_EQ(both.admit(kAnn, now_), Result::counted);
}

TEST_F(AddressLimitsTest, HaveNothingToReleaseWithoutALimitOfConnections) {
  EXPECT_EQ(rate_.admit(kAnn, now_), Result::not_counted);
}

TEST_F(AddressLimitsTest, TakeAnIpv6NetworkForOneAddress) {
  EXPECT_EQ(admitted(count_, 2, address("2001:db8:1:2::1")), 2);
  EXPECT_EQ(admitted(count_, 2, address("2001:db8:1:2:ffff::9")), 1);
  EXPECT_EQ(admitted(count_, 2, address("2001:db8:1:3::1")), 2);
}

TEST_F(AddressLimitsTest, TellIpv4AddressesApart) {
  EXPECT_EQ(admitted(count_, 9, address("10.0.0.1")), 3);
  EXPECT_EQ(admitted(count_, 9, address("10.0.0.2")), 3);
  EXPECT_EQ(admitted(count_, 9, address("::ffff:10.0.0.1")), 0) << "the same";
}

TEST_F(AddressLimitsTest, LimitTheLoopbackAddressOfIpv6) {
  EXPECT_EQ(admitted(count_, 9, address("::1")), 3);
}

TEST_F(AddressLimitsTest, DoNotLimitAnUnknownAddress) {
  EXPECT_EQ(admitted(count_, 9, PeerAddress{}), 9);
  EXPECT_EQ(admitted(rate_, 99, PeerAddress{}), 99);
}

TEST_F(AddressLimitsTest, HaveRoomForTwiceAsManyAddressesAsConnections) {
  EXPECT_GE(AddressLimits({.connections = 1}, 100'000).capacity(), 200'000u);
  EXPECT_GE(AddressLimits({.connections = 1}, 0).capacity(), 8192u);
}

TEST_F(AddressLimitsTest, LimitEveryAddressAsLongAsThereIsRoom) {
  AddressLimits limits({.connections = 1}, 20'000);
  std::uint32_t unlimited = 0;
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    unlimited += limits.admit(network(n), now_) == Result::no_room ? 1 : 0;
  }
  EXPECT_EQ(unlimited, 0u);
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    EXPECT_EQ(limits.admit(network(n), now_), Result::too_many) << n;
  }
}

TEST_F(AddressLimitsTest, DoNotLimitAnAddressForWhichThereIsNoRoom) {
  AddressLimits limits({.connections = 1}, 0);
  std::uint32_t unlimited = 0;
  for (std::uint32_t n = 0; n < 4 * limits.capacity(); ++n) {
    unlimited += limits.admit(network(n), now_) == Result::no_room ? 1 : 0;
  }
  EXPECT_GE(unlimited, 3 * limits.capacity());
  // What is not counted is not missed when it ends.
  for (std::uint32_t n = 0; n < 4 * limits.capacity(); ++n) limits.release(network(n));
  EXPECT_EQ(limits.admit(network(1), now_), Result::counted);
}

TEST_F(AddressLimitsTest, ForgetBucketsBeforeConnections) {
  AddressLimits both({.connections = 1, .connections_per_second = 1}, 0);
  EXPECT_EQ(both.admit(kAnn, now_), Result::counted);
  for (std::uint32_t n = 0; n < 4 * both.capacity(); ++n) {
    if (both.admit(network(n), now_) == Result::counted) both.release(network(n));
  }
  EXPECT_EQ(both.admit(kAnn, now_), Result::too_many);
}

TEST_F(AddressLimitsTest, CountForSeveralThreads) {
  AddressLimits limits({.connections = 1000}, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) {
        if (limits.admit(kAnn, now_) == Result::counted) limits.release(kAnn);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted(limits, 2000), 1000);
}

TEST_F(AddressLimitsTest, AreReleasedByAConnectionThatIsDropped) {
  ASSERT_EQ(admitted(count_, 9), 3);
  {
    CountedConnection one(count_, kAnn);
    CountedConnection moved(std::move(one));
    CountedConnection assigned;
    assigned = std::move(moved);
  }
  EXPECT_EQ(admitted(count_, 9), 1);
  {
    CountedConnection one(count_, kAnn);
    EXPECT_TRUE(one.detach());
    EXPECT_FALSE(one.detach());
  }
  EXPECT_EQ(admitted(count_, 9), 0);
}

}  // namespace
}  // namespace crolang::net
