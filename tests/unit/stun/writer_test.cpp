#include "stun/writer.hpp"

#include <gtest/gtest.h>

#include "stun/integrity.hpp"
#include "unit/stun/rfc5769.hpp"

namespace crolang::stun {
namespace {

constexpr TransactionId kTransaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                     0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

TransportAddress made_address(std::string_view text, std::uint16_t port) {
  return {*client_address::parse_address(text), port};
}

TEST(StunWriter, WritesTheLongTermRequestOfRfc5769) {
  const auto rfc = parse(rfc5769::kLongTermRequest);
  ASSERT_TRUE(rfc);
  const std::string_view realm = rfc->text(Type::realm);
  const Bytes bytes = Writer(Class::request, Method::binding, rfc->transaction)
                          .add(Type::username, rfc5769::kLongTermUsername)
                          .add(Type::nonce, rfc->text(Type::nonce))
                          .add(Type::realm, realm)
                          .add_integrity(long_term_key(rfc5769::kLongTermUsername, realm,
                                                       rfc5769::kLongTermPassword))
                          .bytes();
  EXPECT_EQ(bytes, rfc5769::kLongTermRequest);
}

TEST(StunWriter, WritesAddressesThatAreReadBack) {
  for (const TransportAddress& each :
       {made_address("192.0.2.7", 3478), made_address("2001:db8::7", 65535),
        made_address("127.0.0.1", 1)}) {
    const Bytes bytes = Writer(Class::success, Method::allocate, kTransaction)
                            .add_address(Type::xor_relayed_address, each)
                            .bytes();
    const auto message = parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->address(Type::xor_relayed_address), each);
  }
}

TEST(StunWriter, WritesAllClassesAndMethods) {
  for (const Class each : {Class::request, Class::indication, Class::success, Class::error}) {
    for (unsigned method = 0; method <= 0xFFF; ++method) {
      const Bytes bytes = Writer(each, static_cast<Method>(method), kTransaction).bytes();
      const auto message = parse(bytes);
      ASSERT_TRUE(message);
      EXPECT_EQ(message->message_class, each);
      EXPECT_EQ(static_cast<unsigned>(message->method), method);
      EXPECT_EQ(message->transaction, kTransaction);
    }
  }
}

TEST(StunWriter, SignsAndFingerprints) {
  const Bytes key = short_term_key("key");
  const Bytes bytes = Writer(Class::request, Method::binding, kTransaction)
                          .add(Type::software, "odd")
                          .add_integrity(key)
                          .add_fingerprint()
                          .bytes();
  const auto message = parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(has_integrity(*message, key));
  EXPECT_TRUE(has_fingerprint(*message));
}

}  // namespace
}  // namespace crolang::stun
