#include "client_address/address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::client_address {
namespace {

TEST(Address, IsReadAndShown) {
  for (const char* const text : {"192.0.2.7", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::1",
                                 "fe80::1", "2001:db8:1:2:3:4:5:6"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(text_of(*address), text);
  }
}

TEST(Address, IsTheSameInItsMappedForm) {
  EXPECT_EQ(parse_address("::ffff:192.0.2.7"), parse_address("192.0.2.7"));
  EXPECT_EQ(parse_address("::ffff:c000:207"), parse_address("192.0.2.7"));
  EXPECT_EQ(text_of(*parse_address("::FFFF:192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(ipv4_address({192, 0, 2, 7}), *parse_address("192.0.2.7"));
}

TEST(Address, KnowsItsVersion) {
  EXPECT_TRUE(is_ipv4(*parse_address("192.0.2.7")));
  EXPECT_TRUE(is_ipv4(*parse_address("::ffff:192.0.2.7")));
  EXPECT_FALSE(is_ipv4(*parse_address("::192.0.2.7")));
  EXPECT_FALSE(is_ipv4(*parse_address("2001:db8::1")));
  EXPECT_FALSE(is_ipv4(Address{}));
}

TEST(Address, MayBeUnknown) {
  EXPECT_FALSE(is_known(Address{}));
  EXPECT_TRUE(is_known(*parse_address("0.0.0.0")));
  EXPECT_EQ(text_of(Address{}), "");
}

TEST(Address, IsNoOtherText) {
  for (const std::string& text : std::initializer_list<std::string>{
           "", " ", "192.0.2", "192.0.2.256", "192.0.2.07", "0xc0.0.2.7", "192.0.2.7:80",
           "192.0.2.7 ", " 192.0.2.7", "[2001:db8::1]", "2001:db8::1%eth0", "2001:db8::1::2",
           "1:2:3:4:5:6:7:8:9", "localhost", "unknown", "_hidden", std::string("192.0.2.7\0", 10),
           std::string(100, '1')}) {
    EXPECT_EQ(parse_address(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace crolang::client_address
