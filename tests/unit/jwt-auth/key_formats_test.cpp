#include "jwt-auth/key_formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "unit/jwt-auth/tokens.hpp"

namespace crolang::jwt_auth {
namespace {

using testing::ec;
using testing::ec_jwk;
using testing::ed25519;
using testing::ed25519_jwk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Json;
using testing::jwks;
using testing::kSecret;
using testing::rsa;
using testing::rsa_jwk;
using testing::secret_jwk;
using testing::sign;
using testing::with;

constexpr std::string_view kText = "header.payload";

std::string fault_of(const std::variant<Keys, Fault>& made) {
  const auto* fault = std::get_if<Fault>(&made);
  return fault == nullptr ? "no fault" : fault->text;
}

/// Beside a good one, so that the set as a whole is usable.
std::string why_ignored(const Json& jwk) {
  const auto keys = keys_from_jwks(jwks({secret_jwk(), jwk}));
  const auto& ignored = std::get<Keys>(keys).ignored;
  return ignored.empty() ? "not ignored" : ignored.front();
}

TEST(Pem, HoldsPublicKeysOfAllTypes) {
  for (const auto& key : {rsa(), ec(), ed25519()}) {
    const auto keys = keys_from_pem(testing::public_pem(key));
    ASSERT_EQ(fault_of(keys), "no fault");
    EXPECT_TRUE(std::get<Keys>(keys).usable.at(0).verifies(kText, sign(key, kText)));
  }
}

TEST(Pem, HoldsCertificates) {
  for (const auto& key : {rsa(), ec(), ed25519()}) {
    const auto keys = keys_from_pem(testing::certificate_pem(key));
    ASSERT_EQ(fault_of(keys), "no fault");
    EXPECT_TRUE(std::get<Keys>(keys).usable.at(0).verifies(kText, sign(key, kText)));
  }
}

TEST(Pem, HoldsThePlainFormOfRsaKeys) {
  const auto keys = keys_from_pem(testing::pkcs1_pem(rsa()));
  ASSERT_EQ(fault_of(keys), "no fault");
  EXPECT_TRUE(std::get<Keys>(keys).usable.at(0).verifies(kText, sign(rsa(), kText)));
}

TEST(Pem, HoldsSeveralKeysWithTextBetweenThem) {
  const auto keys = keys_from_pem("old\n" + testing::public_pem(rsa()) + "\nnew:\n" +
                                  testing::public_pem(ec()) + "end\n");
  ASSERT_EQ(fault_of(keys), "no fault");
  ASSERT_EQ(std::get<Keys>(keys).usable.size(), 2u);
  EXPECT_EQ(std::get<Keys>(keys).usable[0].algorithm(), Algorithm::rs256);
  EXPECT_EQ(std::get<Keys>(keys).usable[1].algorithm(), Algorithm::es256);
}

TEST(Pem, RefusesAPrivateKey) {
  EXPECT_EQ(fault_of(keys_from_pem(testing::public_pem(rsa()) + testing::private_pem(ec()))),
            "block 2 (PRIVATE KEY) is neither a public key nor a certificate: openssl pkey -pubout "
            "writes the public one");
}

TEST(Pem, RefusesAFileWithoutABlock) {
  for (const char* text : {"", "hello"}) {
    EXPECT_EQ(fault_of(keys_from_pem(text)), "there is no PEM block in it");
  }
  EXPECT_EQ(fault_of(keys_from_pem(R"({"keys":[]})")),
            "it is JSON, not PEM: JWT_JWKS_FILE takes a key set");
  EXPECT_EQ(fault_of(keys_from_pem("ssh-ed25519 AAAA somebody@example.org")),
            "it is an SSH key, not PEM: convert it with ssh-keygen -e -m pkcs8 -f");
}

TEST(Pem, RefusesHalfABlock) {
  const std::string pem = testing::public_pem(rsa());
  EXPECT_EQ(fault_of(keys_from_pem(pem.substr(0, pem.size() / 2))), "a PEM block is damaged");
  EXPECT_EQ(fault_of(keys_from_pem(testing::public_pem(ec()) + pem.substr(0, pem.size() / 2))),
            "a PEM block is damaged");
}

TEST(Pem, RefusesABlockThatHoldsNoKey) {
  EXPECT_EQ(
      fault_of(keys_from_pem("-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----\n")),
      "block 1 (PUBLIC KEY) cannot be decoded");
  EXPECT_EQ(
      fault_of(keys_from_pem("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n")),
      "block 1 (CERTIFICATE) cannot be decoded");
}

TEST(Pem, RefusesAKeyThatIsTooWeak) {
  EXPECT_THAT(fault_of(keys_from_pem(testing::public_pem(testing::make_rsa(1024)))),
              HasSubstr("1024 bits"));
}

TEST(Jwks, HoldsKeysOfAllTypes) {
  const auto keys = keys_from_jwks(
      jwks({rsa_jwk(rsa()), ec_jwk(ec()), ed25519_jwk(ed25519()), secret_jwk(kSecret)}));
  ASSERT_EQ(fault_of(keys), "no fault");
  const auto& usable = std::get<Keys>(keys).usable;
  ASSERT_EQ(usable.size(), 4u);
  EXPECT_TRUE(usable[0].verifies(kText, sign(rsa(), kText)));
  EXPECT_TRUE(usable[1].verifies(kText, sign(ec(), kText)));
  EXPECT_TRUE(usable[2].verifies(kText, sign(ed25519(), kText)));
  EXPECT_TRUE(usable[3].verifies(kText, testing::hmac(kSecret, kText)));
}

TEST(Jwks, NamesItsKeys) {
  const auto keys = keys_from_jwks(jwks({with(rsa_jwk(rsa()), "kid", "2024"), ec_jwk(ec())}));
  const auto& usable = std::get<Keys>(keys).usable;
  EXPECT_EQ(usable.at(0).id(), "2024");
  EXPECT_EQ(usable.at(1).id(), std::nullopt);
}

TEST(Jwks, TakesKeysThatSayWhatTheyAreFor) {
  Json jwk = with(ec_jwk(ec()), "use", "sig");
  jwk["alg"] = "ES256";
  jwk["key_ops"] = {"sign", "verify"};
  EXPECT_EQ(why_ignored(jwk), "not ignored");
}

TEST(Jwks, IgnoresKeysForOtherPurposes) {
  EXPECT_EQ(why_ignored(with(rsa_jwk(rsa()), "use", "enc")), "key 2 is not for signatures");
  EXPECT_EQ(why_ignored(with(rsa_jwk(rsa()), "use", 1)), "key 2 is not for signatures");
  EXPECT_EQ(why_ignored(with(rsa_jwk(rsa()), "key_ops", {"encrypt"})),
            "key 2 is not for verifying");
  EXPECT_EQ(why_ignored(with(rsa_jwk(rsa()), "key_ops", "verify")), "key 2 is not for verifying");
}

TEST(Jwks, IgnoresKeysForOtherAlgorithms) {
  for (const char* algorithm : {"RS512", "PS256", "RSA-OAEP", "ES256", "HS256", "none", ""}) {
    EXPECT_EQ(why_ignored(with(rsa_jwk(rsa()), "alg", algorithm)),
              "key 2 is for an algorithm other than RS256");
  }
  EXPECT_EQ(why_ignored(with(secret_jwk(), "alg", "HS512")),
            "key 2 is for an algorithm other than HS256");
}

TEST(Jwks, IgnoresUnknownTypesAndCurves) {
  EXPECT_EQ(why_ignored(with(ec_jwk(ec()), "kty", "AKP")), "key 2 is of an unknown kty");
  EXPECT_EQ(why_ignored(Json::object()), "key 2 has no kty");
  EXPECT_EQ(why_ignored(with(ec_jwk(ec()), "crv", "P-384")),
            "key 2 is of a curve other than P-256");
  EXPECT_EQ(why_ignored(with(ed25519_jwk(ed25519()), "crv", "X25519")),
            "key 2 is of a curve other than Ed25519");
}

TEST(Jwks, IgnoresDamagedKeys) {
  EXPECT_THAT(why_ignored(with(rsa_jwk(rsa()), "n", "not base64!")), HasSubstr("lacks n or e"));
  EXPECT_THAT(why_ignored(with(rsa_jwk(rsa()), "e", nullptr)), HasSubstr("lacks n or e"));
  EXPECT_THAT(why_ignored(with(rsa_jwk(rsa()), "e", "AA")), HasSubstr("is not a valid key"));
  EXPECT_THAT(why_ignored(with(rsa_jwk(rsa()), "e", "BA")), HasSubstr("is not a valid key"));
  EXPECT_THAT(why_ignored(with(rsa_jwk(rsa()), "n", "")), HasSubstr("key 2 is"));
  EXPECT_THAT(why_ignored(with(ec_jwk(ec()), "x", "AQ")), HasSubstr("lacks x or y"));
  EXPECT_THAT(why_ignored(with(ec_jwk(ec()), "x", testing::base64url(std::string(32, '\x01')))),
              HasSubstr("is not a valid key"));
  EXPECT_THAT(why_ignored(with(ed25519_jwk(ed25519()), "x", "AQ")), HasSubstr("lacks x"));
  EXPECT_THAT(why_ignored(with(secret_jwk(), "k", 1)), HasSubstr("lacks k"));
  EXPECT_THAT(why_ignored(with(secret_jwk(), "kid", 1)), HasSubstr("kid that is not a string"));
  EXPECT_EQ(why_ignored("text"), "key 2 is not an object");
}

TEST(Jwks, IgnoresWeakKeysWithoutShowingThem) {
  EXPECT_EQ(why_ignored(with(secret_jwk("hunter2"), "kid", "old")),
            "key 'old' has 7 bytes; HS256 needs at least 32");
  EXPECT_THAT(why_ignored(rsa_jwk(testing::make_rsa(1024))), HasSubstr("1024 bits"));
}

TEST(Jwks, RefusesASetWithoutAUsableKey) {
  EXPECT_EQ(fault_of(keys_from_jwks(jwks({}))), "no key in it can be used");
  EXPECT_EQ(fault_of(keys_from_jwks(jwks({with(rsa_jwk(rsa()), "use", "enc")}))),
            "no key in it can be used; key 1 is not for signatures");
}

TEST(Jwks, RefusesWhatIsNoSet) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[],"keys":[]})")}) {
    EXPECT_EQ(fault_of(keys_from_jwks(text)), "it is not a JSON Web Key Set");
  }
  EXPECT_EQ(fault_of(keys_from_jwks(rsa_jwk(rsa()).dump())),
            "it is one key, not a set: wrap it in {\"keys\":[…]}");
  EXPECT_EQ(fault_of(keys_from_jwks(testing::public_pem(rsa()))),
            "it is PEM, not a JSON Web Key Set: JWT_PUBLIC_KEY_FILE takes that");
}

TEST(KeyFormats, LeaveNoErrorsWithTheThread) {
  EXPECT_NE(fault_of(keys_from_pem("-----BEGIN PUBLIC KEY-----\n????")), "no fault");
  EXPECT_NE(why_ignored(with(rsa_jwk(rsa()), "e", "AA")), "not ignored");
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace crolang::jwt_auth
