#include "stun/integrity.hpp"

#include <gtest/gtest.h>

#include "unit/stun/rfc5769.hpp"

namespace crolang::stun {
namespace {

TEST(StunIntegrity, AcceptsTheSignaturesOfRfc5769) {
  const Bytes key = short_term_key(rfc5769::kPassword);
  for (const Bytes& bytes : {rfc5769::kRequest, rfc5769::kIpv4Response, rfc5769::kIpv6Response}) {
    const auto message = parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_TRUE(has_integrity(*message, key));
    EXPECT_TRUE(has_fingerprint(*message));
  }
}

TEST(StunIntegrity, AcceptsTheLongTermSignatureOfRfc5769) {
  const auto message = parse(rfc5769::kLongTermRequest);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text(Type::username), rfc5769::kLongTermUsername);
  const Bytes key = long_term_key(message->text(Type::username), message->text(Type::realm),
                                  rfc5769::kLongTermPassword);
  EXPECT_TRUE(has_integrity(*message, key));
  EXPECT_FALSE(has_fingerprint(*message));
}

TEST(StunIntegrity, NoticesEveryChangedByte) {
  const Bytes key = short_term_key(rfc5769::kPassword);
  for (std::size_t i = 0; i < rfc5769::kIpv4Response.size(); ++i) {
    Bytes bytes = rfc5769::kIpv4Response;
    bytes[i] ^= 1;
    const auto message = parse(bytes);
    // The padding is signed, too.
    if (!message) continue;
    EXPECT_FALSE(has_integrity(*message, key) && has_fingerprint(*message)) << i;
  }
}

TEST(StunIntegrity, NoticesAnotherKey) {
  const auto message = parse(rfc5769::kRequest);
  ASSERT_TRUE(message);
  EXPECT_FALSE(has_integrity(*message, short_term_key("another")));
}

TEST(StunIntegrity, HasNoneWithoutTheAttribute) {
  Bytes bytes{0x01, 0x01, 0, 0, 0x21, 0x12, 0xA4, 0x42};
  bytes.resize(kHeaderSize);
  const auto message = parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_FALSE(has_integrity(*message, short_term_key("any")));
  EXPECT_FALSE(has_fingerprint(*message));
}

}  // namespace
}  // namespace crolang::stun
