#include "stun/message.hpp"

#include <gtest/gtest.h>

#include "unit/stun/rfc5769.hpp"

namespace crolang::stun {
namespace {

Bytes header(std::uint8_t size) {
  Bytes bytes{0x01, 0x01, 0, size, 0x21, 0x12, 0xA4, 0x42};
  bytes.resize(kHeaderSize);
  return bytes;
}

Bytes with_attribute(std::initializer_list<std::uint8_t> attribute) {
  Bytes bytes = header(static_cast<std::uint8_t>(attribute.size()));
  bytes.insert(bytes.end(), attribute);
  return bytes;
}

TEST(StunMessage, ReadsTheRequestOfRfc5769) {
  const auto message = parse(rfc5769::kRequest);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class, Class::request);
  EXPECT_EQ(message->method, Method::binding);
  EXPECT_EQ(message->text(Type::software), "STUN test client");
  EXPECT_EQ(message->text(Type::username), "evtj:h6vY");
  EXPECT_EQ(message->attributes.size(), 6U);
}

TEST(StunMessage, ReadsAnIpv4Address) {
  const auto message = parse(rfc5769::kIpv4Response);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class, Class::success);
  ASSERT_TRUE(message->mapped_address());
  EXPECT_EQ(text_of(*message->mapped_address()), "192.0.2.1:32853");
}

TEST(StunMessage, ReadsAnIpv6Address) {
  const auto message = parse(rfc5769::kIpv6Response);
  ASSERT_TRUE(message);
  ASSERT_TRUE(message->mapped_address());
  EXPECT_EQ(text_of(*message->mapped_address()), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

TEST(StunMessage, ReadsTheAddressOfAnOldServer) {
  const Bytes bytes = with_attribute({0, 1, 0, 8, 0, 1, 0x0D, 0x96, 192, 0, 2, 7});
  const auto message = parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(text_of(*message->mapped_address()), "192.0.2.7:3478");
}

TEST(StunMessage, ReadsAnErrorCode) {
  const Bytes bytes = with_attribute({0, 9, 0, 7, 0, 0, 4, 86, 'o', 'n', 'o', 0});
  const auto message = parse(bytes);
  ASSERT_TRUE(message);
  ASSERT_TRUE(message->error_code());
  EXPECT_EQ(message->error_code()->code, 486);
  EXPECT_EQ(message->error_code()->reason, "ono");
}

TEST(StunMessage, HasNoErrorCodeOutsideOfTheProtocolsRange) {
  for (const auto& [hundreds, number] : {std::pair{2, 0}, {7, 0}, {4, 100}}) {
    const Bytes bytes = with_attribute(
        {0, 9, 0, 4, 0, 0, static_cast<std::uint8_t>(hundreds), static_cast<std::uint8_t>(number)});
    ASSERT_TRUE(parse(bytes));
    EXPECT_FALSE(parse(bytes)->error_code());
  }
}

TEST(StunMessage, HasNoAddressOfAnotherSizeOrFamily) {
  for (const Bytes& bytes : {with_attribute({0, 0x20, 0, 4, 0, 1, 0, 0}),
                             with_attribute({0, 0x20, 0, 8, 0, 2, 0, 0, 1, 2, 3, 4}),
                             with_attribute({0, 0x20, 0, 8, 0, 3, 0, 0, 1, 2, 3, 4})}) {
    ASSERT_TRUE(parse(bytes));
    EXPECT_FALSE(parse(bytes)->address(Type::xor_mapped_address));
  }
}

TEST(StunMessage, RefusesEveryPartOfAMessage) {
  for (std::size_t size = 0; size < rfc5769::kRequest.size(); ++size) {
    EXPECT_FALSE(parse(ByteView(rfc5769::kRequest).first(size))) << size;
  }
}

TEST(StunMessage, RefusesWhatFollowsAMessage) {
  Bytes bytes = rfc5769::kRequest;
  bytes.push_back(0);
  EXPECT_FALSE(parse(bytes));
}

TEST(StunMessage, RefusesAnotherCookieAndOtherProtocols) {
  Bytes bytes = rfc5769::kRequest;
  bytes[4] ^= 1;
  EXPECT_FALSE(parse(bytes));
  bytes[4] ^= 1;
  bytes[0] |= 0x40;
  EXPECT_FALSE(parse(bytes));
}

TEST(StunMessage, RefusesAnAttributeThatIsLongerThanTheMessage) {
  EXPECT_FALSE(parse(with_attribute({0, 6, 0, 5, 1, 2, 3, 4})));
  EXPECT_TRUE(parse(with_attribute({0, 6, 0, 4, 1, 2, 3, 4})));
}

TEST(StunMessage, RefusesMoreThan64Attributes) {
  Bytes bytes = header(0);
  for (int i = 0; i < 64; ++i) bytes.insert(bytes.end(), {0, 6, 0, 0});
  bytes[2] = 1;
  EXPECT_TRUE(parse(bytes));
  bytes.insert(bytes.end(), {0, 6, 0, 0});
  bytes[3] = 4;
  EXPECT_FALSE(parse(bytes));
}

TEST(StunMessage, LeavesOutWhatIsNotSigned) {
  Bytes bytes = rfc5769::kIpv4Response;
  // The fingerprint becomes a NONCE, which may not follow the signature.
  bytes[bytes.size() - 8] = 0x00;
  bytes[bytes.size() - 7] = 0x15;
  const auto message = parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->find(Type::nonce), nullptr);
}

}  // namespace
}  // namespace crolang::stun
