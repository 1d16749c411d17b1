#include "net/accept_policy.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using session::SessionHandle;
using Decision = AcceptPolicy::Decision;
using Kind = EvictionQueue::Kind;

constexpr AcceptPolicy::TimePoint kNow(1000s);

PeerAddress address(std::string_view text) {
  return client_address::parse_address(text).value();
}

TEST(AcceptPolicy, AcceptsWhileThereIsRoom) {
  const AcceptPolicy policy({.max_sockets = 100});

  EXPECT_EQ(policy.decide(0), Decision::accept);
  EXPECT_EQ(policy.decide(99), Decision::accept);
}

TEST(AcceptPolicy, AcceptsOnlyInPlaceOfAnotherOnceThereIsNone) {
  const AcceptPolicy policy({.max_sockets = 100});

  EXPECT_EQ(policy.decide(100), Decision::make_room);
  EXPECT_EQ(policy.decide(200), Decision::make_room);
}

TEST(AcceptPolicy, MayHaveNoLimit) {
  const AcceptPolicy policy({.max_sockets = 0});

  EXPECT_EQ(policy.decide(1'000'000), Decision::accept);
}

TEST(AcceptPolicy, MakesRoomByTheOldestThatIsNoNode) {
  AcceptPolicy policy({.max_sockets = 100});
  const auto classify = [](SessionHandle handle) {
    return handle.slot == 1 ? Kind::gone_or_node : Kind::idle;
  };
  for (const std::uint32_t slot : {1U, 2U, 3U}) policy.list({slot, 1, 0}, classify);

  EXPECT_EQ(policy.take_evictable(classify), (SessionHandle{2, 1, 0}));
  EXPECT_EQ(policy.take_evictable(classify), (SessionHandle{3, 1, 0}));
  EXPECT_EQ(policy.take_evictable(classify), std::nullopt);
}

TEST(AcceptPolicy, ClosesTheOldestOfTooManyThatHaveNotSentARequest) {
  AcceptPolicy policy({.max_handshakes = 2});
  std::uint32_t has_sent = 0;
  const auto classify = [&](SessionHandle handle) {
    return handle.slot == has_sent ? Kind::gone_or_node : Kind::idle;
  };
  EXPECT_EQ(policy.list_handshake({1, 1, 0}, 1, classify), std::nullopt);
  EXPECT_EQ(policy.list_handshake({2, 1, 0}, 2, classify), std::nullopt);
  EXPECT_EQ(policy.list_handshake({3, 1, 0}, 3, classify), (SessionHandle{1, 1, 0}));
  has_sent = 2;
  EXPECT_EQ(policy.list_handshake({4, 1, 0}, 2, classify), std::nullopt);
  EXPECT_EQ(policy.list_handshake({5, 1, 0}, 3, classify), (SessionHandle{3, 1, 0}));
}

TEST(AcceptPolicy, KeepsNoListOfHandshakesWithoutALimit) {
  AcceptPolicy policy({});
  const auto classify = [](SessionHandle) { return Kind::idle; };
  for (std::uint32_t slot = 0; slot < 100; ++slot) {
    EXPECT_EQ(policy.list_handshake({slot, 1, 0}, slot + 1, classify), std::nullopt);
  }
}

TEST(AcceptPolicy, CountsConnectionsOfAnAddressUntilTheyAreReleased) {
  AddressLimits limits({.connections = 1}, 0);
  const AcceptPolicy policy({.addresses = &limits});
  const PeerAddress peer = address("192.0.2.1");
  {
    CountedConnection counted;
    EXPECT_TRUE(policy.limits(peer));
    EXPECT_EQ(policy.admit(peer, kNow, counted), AddressLimits::Result::counted);
    EXPECT_EQ(policy.admit(peer, kNow, counted), AddressLimits::Result::too_many);
  }
  CountedConnection counted;
  EXPECT_EQ(policy.admit(peer, kNow, counted), AddressLimits::Result::counted);
  EXPECT_TRUE(counted.detach());
  policy.release(peer);
  EXPECT_EQ(policy.admit(peer, kNow, counted), AddressLimits::Result::counted);
}

TEST(AcceptPolicy, DoesNotLimitTheAddressOfATrustedProxy) {
  AddressLimits limits({.connections = 1}, 0);
  const auto proxies =
      std::get<client_address::AddressSet>(client_address::parse_address_set("192.0.2.0/24"));
  const AcceptPolicy policy({.addresses = &limits, .trusted_proxies = &proxies});
  CountedConnection counted;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(policy.admit(address("192.0.2.1"), kNow, counted),
              AddressLimits::Result::not_counted);
  }
  EXPECT_FALSE(policy.limits(address("192.0.2.1")));
  EXPECT_TRUE(policy.limits(address("198.51.100.1")));
  EXPECT_FALSE(AcceptPolicy({}).limits(address("198.51.100.1")));
}

TEST(AcceptPolicy, NamesAndCountsWhyAnAddressIsRefused) {
  using telemetry::Counter;
  using Result = AddressLimits::Result;
  telemetry::WorkerCounters counters;
  EXPECT_EQ(fault_of(Result::counted, counters), std::nullopt);
  EXPECT_EQ(fault_of(Result::not_counted, counters), std::nullopt);
  EXPECT_EQ(fault_of(Result::no_room, counters), std::nullopt);
  EXPECT_EQ(fault_of(Result::too_many, counters), RequestFault::address_connections);
  EXPECT_EQ(fault_of(Result::too_fast, counters), RequestFault::address_rate);
  EXPECT_EQ(counters.value(Counter::addresses_not_limited), 1u);
  EXPECT_EQ(counters.value(Counter::refused_address_connections), 1u);
  EXPECT_EQ(counters.value(Counter::refused_address_rate), 1u);
}

TEST(AcceptPolicy, PausesForATenthOfASecond) {
  AcceptPolicy policy({.max_sockets = 100});
  EXPECT_EQ(policy.resume_at(), std::nullopt);
  EXPECT_FALSE(policy.may_resume(kNow)) << "it is not paused";

  policy.pause(kNow);
  EXPECT_EQ(policy.resume_at(), kNow + 100ms);
  EXPECT_FALSE(policy.may_resume(kNow + 99ms));
  EXPECT_TRUE(policy.may_resume(kNow + 100ms));

  EXPECT_FALSE(policy.may_resume(kNow + 200ms)) << "once for each pause";
  EXPECT_EQ(policy.resume_at(), std::nullopt);
}

}  // namespace
}  // namespace crolang::net
