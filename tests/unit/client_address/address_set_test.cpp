#include "client_address/address_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crolang::client_address {
namespace {

using ::testing::HasSubstr;

AddressSet set_of(std::string_view text) {
  auto parsed = parse_address_set(text);
  const auto* const fault = std::get_if<AddressFault>(&parsed);
  EXPECT_EQ(fault, nullptr) << (fault == nullptr ? "" : fault->text);
  return fault == nullptr ? std::get<AddressSet>(parsed) : AddressSet();
}

bool contains(std::string_view set, const char* address) {
  const auto parsed = parse_address(address);
  EXPECT_TRUE(parsed) << address;
  return set_of(set).contains(*parsed);
}

std::string fault_of(std::string_view text) {
  const auto parsed = parse_address_set(text);
  const auto* const fault = std::get_if<AddressFault>(&parsed);
  EXPECT_NE(fault, nullptr) << text;
  return fault == nullptr ? std::string() : fault->text;
}

TEST(AddressSet, ContainsSingleAddresses) {
  EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(contains("2001:db8::1", "2001:db8:0::1"));
  EXPECT_FALSE(contains("2001:db8::1", "2001:db8::2"));
}

TEST(AddressSet, ContainsTheAddressesOfARange) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_TRUE(contains("10.0.0.0/8", "10.0.0.0"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_FALSE(contains("10.0.0.0/8", "9.255.255.255"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(contains("192.0.2.7/32", "192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.6/32", "192.0.2.7"));
  EXPECT_TRUE(contains("192.0.2.6/31", "192.0.2.7"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
  EXPECT_TRUE(contains("2001:db8::1/128", "2001:db8::1"));
}

TEST(AddressSet, ContainsIpv4AddressesInTheirMappedForm) {
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(contains("::ffff:10.0.0.0/104", "11.1.2.3"));
  EXPECT_TRUE(contains("::ffff:10.1.2.3", "10.1.2.3"));
}

TEST(AddressSet, KeepsTheTwoVersionsApart) {
  EXPECT_TRUE(contains("0.0.0.0/0", "192.0.2.7"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_FALSE(contains("::/0", "192.0.2.7"));
  EXPECT_FALSE(contains("::/64", "192.0.2.7"));
}

TEST(AddressSet, IsAListWithCommasOrBlanks) {
  const AddressSet set = set_of(" 10.0.0.0/8,192.0.2.7 , 2001:db8::/32\t::1 ");

  EXPECT_EQ(set.ranges().size(), 4U);
  for (const char* const address : {"10.1.1.1", "192.0.2.7", "2001:db8::4711", "::1"}) {
    EXPECT_TRUE(set.contains(*parse_address(address))) << address;
  }
  EXPECT_FALSE(set.contains(*parse_address("192.0.2.8")));
}

TEST(AddressSet, MayBeEmpty) {
  EXPECT_TRUE(set_of("").is_empty());
  EXPECT_TRUE(set_of(" , ").is_empty());
  EXPECT_FALSE(set_of("10.0.0.0/8").is_empty());
  EXPECT_FALSE(AddressSet().contains(*parse_address("192.0.2.7")));
}

TEST(AddressSet, NeverContainsAnUnknownAddress) {
  EXPECT_FALSE(set_of("::/0,0.0.0.0/0").contains(Address{}));
}

TEST(AddressSet, SaysWhatToWriteWhereABitBehindThePrefixIsSet) {
  EXPECT_EQ(fault_of("10.0.0.1/8"),
            "\"10.0.0.1/8\" has bits behind its prefix: write 10.0.0.0/8, or 10.0.0.1 for this one "
            "address");
  EXPECT_EQ(
      fault_of("::1, 2001:db8::1/32"),
      "\"2001:db8::1/32\" has bits behind its prefix: write 2001:db8::/32, or 2001:db8::1 for "
      "this one address");
  EXPECT_THAT(fault_of("::ffff:10.0.0.1/104"), HasSubstr("write 10.0.0.0/8, or"));
  EXPECT_THAT(fault_of("192.0.2.7/0"), HasSubstr("write 0.0.0.0/0, or"));
  EXPECT_THAT(fault_of("2001:db8::/0"), HasSubstr("write ::/0, or"));
}

TEST(AddressSet, SaysWhichPrefixIsTooLong) {
  EXPECT_EQ(fault_of("10.0.0.0/33"),
            "\"10.0.0.0/33\": the prefix of an IPv4 range has 0 to 32 bits");
}

TEST(AddressSet, NamesWhatIsNoRange) {
  for (const char* const text :
       {"proxy.example.org", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8/8", "10.0.0/8", "/8", "::/129",
        "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/255.0.0.0", "[::1]", "10.0.0.1:8080", "*",
        "10.0.0.0/256"}) {
    EXPECT_EQ(fault_of("192.0.2.7," + std::string(text)),
              '"' + std::string(text) +
                  "\" is neither an address nor a range of addresses: write 192.0.2.7, 10.0.0.0/8 "
                  "or 2001:db8::/32");
  }
}

TEST(AddressSet, ShowsRangesAsTheyAreWritten) {
  for (const char* const text :
       {"10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::/0", "::1", "0.0.0.0/0", "0.0.0.0"}) {
    EXPECT_EQ(text_of(std::get<Range>(parse_range(text))), text);
  }
}

}  // namespace
}  // namespace crolang::client_address
