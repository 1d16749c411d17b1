#include "jwt-auth/key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <crolang/base64.hpp>

#include "unit/jwt-auth/tokens.hpp"

namespace crolang::jwt_auth {
namespace {

using testing::ec;
using testing::ed25519;
using ::testing::HasSubstr;
using testing::kSecret;
using ::testing::Not;
using testing::rsa;
using testing::sign;

constexpr std::string_view kText = "header.payload";

Key key_of(const testing::PrivateKey& key) {
  return std::get<Key>(Key::from_public(key));
}

std::string fault_of(const std::variant<Key, Fault>& made) {
  const auto* fault = std::get_if<Fault>(&made);
  return fault == nullptr ? "no fault" : fault->text;
}

std::string changed(std::string text, std::size_t at) {
  text[at] = static_cast<char>(text[at] ^ 1);
  return text;
}

TEST(Key, IsTiedToTheAlgorithmOfItsType) {
  EXPECT_EQ(key_of(rsa()).algorithm(), Algorithm::rs256);
  EXPECT_EQ(key_of(ec()).algorithm(), Algorithm::es256);
  EXPECT_EQ(key_of(ed25519()).algorithm(), Algorithm::eddsa);
  EXPECT_EQ(std::get<Key>(Key::from_secret(kSecret)).algorithm(), Algorithm::hs256);
}

TEST(Key, KnowsAlgorithmsByTheirExactNames) {
  EXPECT_EQ(algorithm_named("HS256"), Algorithm::hs256);
  EXPECT_EQ(algorithm_named("RS256"), Algorithm::rs256);
  EXPECT_EQ(algorithm_named("ES256"), Algorithm::es256);
  EXPECT_EQ(algorithm_named("EdDSA"), Algorithm::eddsa);
  EXPECT_EQ(name_of(Algorithm::es256), "ES256");
  for (const char* name : {"", "none", "None", "NONE", "nOnE", "hs256", "EDDSA", "HS384", "RS512",
                           "PS256", "ES256K", "ES384", "HS256 "}) {
    EXPECT_EQ(algorithm_named(name), std::nullopt) << name;
  }
}

// RFC 7515 A.1.
TEST(Key, VerifiesTheHs256ExampleOfRfc7515) {
  const auto secret = base64::decode_url(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const auto signature = base64::decode_url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  const Key key = std::get<Key>(Key::from_secret(*secret));
  EXPECT_TRUE(key.verifies(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"
      "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
      *signature));
}

TEST(Key, VerifiesWhatItsPrivateHalfSigned) {
  for (const auto& key : {rsa(), ec(), ed25519()}) {
    EXPECT_TRUE(key_of(key).verifies(kText, sign(key, kText)));
  }
  EXPECT_TRUE(
      std::get<Key>(Key::from_secret(kSecret)).verifies(kText, testing::hmac(kSecret, kText)));
}

TEST(Key, RefusesAnotherTextAndAnotherSignature) {
  for (const auto& key : {rsa(), ec(), ed25519()}) {
    const std::string signature = sign(key, kText);
    EXPECT_FALSE(key_of(key).verifies("header.Payload", signature));
    for (const std::size_t at : {std::size_t{0}, signature.size() / 2, signature.size() - 1}) {
      EXPECT_FALSE(key_of(key).verifies(kText, changed(signature, at)));
    }
  }
  const Key secret = std::get<Key>(Key::from_secret(kSecret));
  EXPECT_FALSE(secret.verifies(kText, changed(testing::hmac(kSecret, kText), 31)));
}

TEST(Key, RefusesASignatureOfAnotherLength) {
  for (const auto& key : {rsa(), ec(), ed25519()}) {
    const std::string signature = sign(key, kText);
    for (const std::string& wrong :
         {std::string(), signature.substr(1), signature.substr(0, signature.size() - 1),
          signature + '\0', '\0' + signature, signature + signature}) {
      EXPECT_FALSE(key_of(key).verifies(kText, wrong));
    }
  }
  const Key secret = std::get<Key>(Key::from_secret(kSecret));
  const std::string mac = testing::hmac(kSecret, kText);
  EXPECT_FALSE(secret.verifies(kText, ""));
  EXPECT_FALSE(secret.verifies(kText, mac.substr(0, 31)));
  EXPECT_FALSE(secret.verifies(kText, mac + "x"));
}

TEST(Key, RefusesTheSignatureOfAnotherKey) {
  EXPECT_FALSE(key_of(ec()).verifies(kText, sign(testing::make_ec(), kText)));
  EXPECT_FALSE(key_of(ed25519()).verifies(kText, sign(testing::make_ed25519(), kText)));
  EXPECT_FALSE(key_of(rsa()).verifies(kText, sign(testing::make_rsa(), kText)));
  EXPECT_FALSE(key_of(ec()).verifies(kText, sign(ed25519(), kText)));
}

TEST(Key, RefusesAnEs256SignatureOfZeros) {
  const std::string signature = sign(ec(), kText);
  const std::string zero(32, '\0');
  EXPECT_FALSE(key_of(ec()).verifies(kText, zero + zero));
  EXPECT_FALSE(key_of(ec()).verifies(kText, zero + signature.substr(32)));
  EXPECT_FALSE(key_of(ec()).verifies(kText, signature.substr(0, 32) + zero));
}

TEST(Key, RefusesAnEs256SignatureBeyondTheOrderOfTheCurve) {
  const std::string most(64, '\xff');
  EXPECT_FALSE(key_of(ec()).verifies(kText, most));
}

TEST(Key, RefusesAnEs256SignatureInDer) {
  EXPECT_FALSE(key_of(ec()).verifies(kText, testing::sign_raw(ec(), kText)));
}

TEST(Key, RefusesAPssSignatureForRs256) {
  const std::string signature = testing::sign_raw(rsa(), kText, RSA_PKCS1_PSS_PADDING);
  EXPECT_FALSE(key_of(rsa()).verifies(kText, signature));
}

TEST(Key, LeavesNoErrorsWithTheThread) {
  EXPECT_FALSE(key_of(rsa()).verifies(kText, std::string(256, 'x')));
  EXPECT_FALSE(key_of(ec()).verifies(kText, std::string(64, '\xff')));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Key, RefusesAShortSecretWithoutShowingIt) {
  const std::string fault = fault_of(Key::from_secret("short but still a secret"));
  EXPECT_EQ(fault, "has 24 bytes; HS256 needs at least 32");
  EXPECT_EQ(fault_of(Key::from_secret(kSecret.substr(1))), "has 31 bytes; HS256 needs at least 32");
  EXPECT_THAT(fault, Not(HasSubstr("short")));
}

TEST(Key, RefusesAShortRsaKey) {
  EXPECT_THAT(fault_of(Key::from_public(testing::make_rsa(1024))), HasSubstr("of 1024 bits"));
}

TEST(Key, RefusesOtherCurves) {
  for (const char* curve : {"P-384", "P-521", "secp256k1"}) {
    EXPECT_THAT(fault_of(Key::from_public(testing::make_ec(curve))),
                HasSubstr("curve other than P-256"));
  }
}

TEST(Key, RefusesOtherTypes) {
  for (const char* type : {"ED448", "X25519"}) {
    const auto key = testing::owned(EVP_PKEY_Q_keygen(nullptr, nullptr, type));
    EXPECT_THAT(fault_of(Key::from_public(key)), HasSubstr("neither RSA"));
  }
}

}  // namespace
}  // namespace crolang::jwt_auth
