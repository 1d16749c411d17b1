#include "admin/wrong_tokens.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

using namespace std::chrono_literals;
using client_address::parse_address;

const WrongTokens::TimePoint kStart{1h};

TEST(WrongTokens, TheSixthOneOfAMinuteHasToWait) {
  WrongTokens wrong;
  const auto address = *parse_address("192.0.2.7");
  for (std::size_t i = 0; i < WrongTokens::kMost; ++i) {
    EXPECT_FALSE(wrong.wait_of(address, kStart + 10s));
    wrong.note(address, kStart + 10s);
  }
  EXPECT_EQ(wrong.wait_of(address, kStart + 20s), 50s);
  EXPECT_FALSE(wrong.wait_of(*parse_address("192.0.2.8"), kStart + 20s));
  EXPECT_FALSE(wrong.wait_of(address, kStart + 70s));
  wrong.note(address, kStart + 70s);
  EXPECT_FALSE(wrong.wait_of(address, kStart + 70s));
}

TEST(WrongTokens, AnIpv6ClientHasAWholeNetworkOfAddresses) {
  WrongTokens wrong;
  for (std::size_t i = 0; i < WrongTokens::kMost; ++i) {
    wrong.note(*parse_address("2001:db8:1:2::" + std::to_string(i)), kStart);
  }
  EXPECT_TRUE(wrong.wait_of(*parse_address("2001:db8:1:2:ffff::1"), kStart));
  EXPECT_FALSE(wrong.wait_of(*parse_address("2001:db8:1:3::1"), kStart));
}

TEST(WrongTokens, RemembersABoundedNumberOfAddresses) {
  WrongTokens wrong;
  const auto address = [](std::size_t number) {
    return client_address::ipv4_address({10, 0, static_cast<std::uint8_t>(number >> 8),
                                         static_cast<std::uint8_t>(number & 255)});
  };
  for (std::size_t i = 0; i < 2 * WrongTokens::kMostAddresses; ++i) {
    wrong.note(address(i), kStart + std::chrono::milliseconds(i));
    ASSERT_LE(wrong.size(), WrongTokens::kMostAddresses);
  }
  EXPECT_EQ(wrong.size(), WrongTokens::kMostAddresses);
}

}  // namespace
}  // namespace crolang::admin
