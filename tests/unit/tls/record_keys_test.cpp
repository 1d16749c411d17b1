#include "tls/record_keys.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "unit/tls/raw_records.hpp"
#include "unit/tls/rfc8448.hpp"

namespace crolang::tls {
namespace {

using testing::expand_label;
using testing::from_hex;
using testing::kSuites;
using testing::next_secret;
using testing::secret_of;
using testing::some_secret;
using testing::text_of;
namespace rfc8448 = testing::rfc8448;

TEST(RecordKeys, KnowsTheThreeSuitesOfRfc8446ByTheirNumbers) {
  EXPECT_EQ(cipher_suite(0x1301), CipherSuite::aes_128_gcm_sha256);
  EXPECT_EQ(cipher_suite(0x1302), CipherSuite::aes_256_gcm_sha384);
  EXPECT_EQ(cipher_suite(0x1303), CipherSuite::chacha20_poly1305_sha256);
}

TEST(RecordKeys, KnowsNoOtherSuite) {
  for (const int id : {0x0000, 0x1300, 0x1304, 0x1305, 0xc02b, 0x0113}) {
    EXPECT_EQ(cipher_suite(static_cast<std::uint16_t>(id)), std::nullopt) << id;
  }
}

TEST(RecordKeys, DerivesKeyAndIvAsInRfc8448) {
  KeyDerivation derivation;
  RecordKeys keys;
  keys.sequence = 7;
  ASSERT_TRUE(derivation.derive(CipherSuite::aes_128_gcm_sha256,
                                secret_of(from_hex(rfc8448::kClientSecret)), keys));
  EXPECT_EQ(text_of(std::span(keys.key).first(16)), from_hex(rfc8448::kClientKey));
  EXPECT_EQ(text_of(keys.iv), from_hex(rfc8448::kClientIv));
  EXPECT_EQ(keys.sequence, 0u);
  ASSERT_TRUE(derivation.derive(CipherSuite::aes_128_gcm_sha256,
                                secret_of(from_hex(rfc8448::kServerSecret)), keys));
  EXPECT_EQ(text_of(std::span(keys.key).first(16)), from_hex(rfc8448::kServerKey));
  EXPECT_EQ(text_of(keys.iv), from_hex(rfc8448::kServerIv));
}

TEST(RecordKeys, DerivesTheKeysOfEverySuite) {
  KeyDerivation derivation;
  for (const CipherSuite suite : kSuites) {
    const std::string secret = some_secret(suite, 'k');
    RecordKeys keys;
    ASSERT_TRUE(derivation.derive(suite, secret_of(secret), keys));
    EXPECT_EQ(keys.suite, suite);
    EXPECT_EQ(text_of(std::span(keys.key).first(key_bytes(suite))),
              expand_label(suite, secret, "key", key_bytes(suite)));
    EXPECT_EQ(text_of(keys.iv), expand_label(suite, secret, "iv", kNonceBytes));
  }
}

TEST(RecordKeys, DerivesTheSecretThatFollowsAKeyUpdate) {
  KeyDerivation derivation;
  for (const CipherSuite suite : kSuites) {
    std::string expected = some_secret(suite, 's');
    TrafficSecret secret = secret_of(expected);
    for (int i = 0; i < 3; ++i) {
      expected = next_secret(suite, expected);
      ASSERT_TRUE(derivation.advance(suite, secret));
      EXPECT_EQ(text_of(secret.bytes()), expected);
    }
  }
}

TEST(RecordKeys, RefusesASecretOfAnotherLength) {
  KeyDerivation derivation;
  RecordKeys keys;
  ASSERT_TRUE(derivation.derive(CipherSuite::aes_128_gcm_sha256,
                                secret_of(from_hex(rfc8448::kClientSecret)), keys));
  TrafficSecret secret = secret_of(std::string(32, 's'));
  EXPECT_FALSE(derivation.derive(CipherSuite::aes_256_gcm_sha384, secret, keys));
  EXPECT_TRUE(std::all_of(keys.key.begin(), keys.key.end(), [](int byte) { return byte == 0; }));
  EXPECT_FALSE(derivation.advance(CipherSuite::aes_256_gcm_sha384, secret));
  EXPECT_TRUE(secret.bytes().empty());
  EXPECT_FALSE(derivation.derive(CipherSuite::aes_128_gcm_sha256, TrafficSecret(), keys));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RecordKeys, KeepsNoSecretThatIsTooLong) {
  EXPECT_EQ(secret_of(std::string(48, 's')).bytes().size(), 48u);
  EXPECT_TRUE(secret_of(std::string(49, 's')).bytes().empty());
}

/// The bytes that an object leaves behind.
template <class Object, class Fill>
std::string remains(Fill fill) {
  alignas(Object) static std::array<char, sizeof(Object)> memory;
  auto* object = new (memory.data()) Object();
  fill(*object);
  object->~Object();
  return {memory.data(), memory.size()};
}

TEST(RecordKeys, OverwritesASecretWhenItIsDestroyed) {
  const std::string left = remains<TrafficSecret>(
      [](TrafficSecret& secret) { secret = secret_of(std::string(48, 'S')); });
  EXPECT_EQ(left.find('S'), std::string::npos);
}

TEST(RecordKeys, OverwritesKeysWhenTheyAreDestroyed) {
  const std::string left = remains<RecordKeys>([](RecordKeys& keys) {
    keys.key.fill('S');
    keys.iv.fill('S');
  });
  EXPECT_EQ(left.find('S'), std::string::npos);
}

}  // namespace
}  // namespace crolang::tls
