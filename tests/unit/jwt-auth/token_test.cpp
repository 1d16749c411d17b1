#include "jwt-auth/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jwt-auth/key_formats.hpp"
#include "unit/jwt-auth/tokens.hpp"

namespace crolang::jwt_auth {
namespace {

using testing::base64url;
using testing::ec;
using testing::ed25519;
using ::testing::EndsWith;
using testing::header;
using testing::Json;
using testing::kSecret;
using testing::public_pem;
using testing::rsa;
using ::testing::StartsWith;
using testing::token;
using testing::with;

constexpr std::int64_t kNow = 1'700'000'000;

Json claims() {
  return {{"sub", "alice"}, {"exp", kNow + 600}};
}

Json without(Json object, const char* name) {
  object.erase(name);
  return object;
}

/// One of each type, none with a name.
const std::vector<Key>& all_keys() {
  static const std::vector<Key> keys = [] {
    auto of_pem =
        std::get<Keys>(keys_from_pem(public_pem(rsa()) + public_pem(ec()) + public_pem(ed25519())));
    of_pem.usable.push_back(std::get<Key>(Key::from_secret(kSecret)));
    return of_pem.usable;
  }();
  return keys;
}

std::vector<Key> only(const testing::PrivateKey& key) {
  return {std::get<Key>(Key::from_public(key))};
}

std::vector<Key> set_of(const std::vector<Json>& jwks) {
  return std::get<Keys>(keys_from_jwks(testing::jwks(jwks))).usable;
}

/// "accepted", or why not.
std::string validate_by(const std::vector<Key>& keys, std::string_view text,
                        const Rules& rules = {}, std::string_view node = "alice") {
  const std::chrono::sys_seconds now{std::chrono::seconds(kNow)};
  const Validation validation = validate(text, node, keys, rules, now);
  const auto* refused = std::get_if<Refused>(&validation);
  return refused == nullptr ? "accepted" : refused->reason;
}

std::string validate_token(std::string_view text, const Rules& rules = {},
                           std::string_view node = "alice") {
  return validate_by(all_keys(), text, rules, node);
}

std::string validate_claims(const Json& payload, const Rules& rules = {},
                            std::string_view node = "alice") {
  return validate_token(token(kSecret, header("HS256"), payload.dump()), rules, node);
}

std::string validate_header(const Json& given) {
  return validate_token(token(kSecret, given.dump(), claims().dump()));
}

constexpr const char* kAccepted = "accepted";
constexpr const char* kMismatch = "the token's signature does not match";
constexpr const char* kNoKey = "there is no key for the token's alg ";
constexpr const char* kNoAlgorithm = ", not HS256, RS256, ES256 or EdDSA";
constexpr const char* kNoParts = "the token is not three parts with dots between them";
constexpr const char* kNotTheNode = ", not the node's id";

// ---- What is no token
// ----------------------------------------------------------------------------

TEST(Token, SaysWhatStandsAroundIt) {
  const std::string good = token(kSecret, header("HS256"), claims().dump());
  EXPECT_EQ(validate_token(good), kAccepted);
  EXPECT_EQ(validate_token("Bearer " + good), "\"Bearer \" precedes the token: remove it");
  EXPECT_EQ(validate_token('"' + good + '"'), "the token has quotes around it: remove them");
  EXPECT_EQ(validate_token(""), "the token is empty");
}

// ---- Signatures ---------------------------------------------------------------------------------

TEST(Token, IsGoodWithEachAlgorithm) {
  const std::string payload = claims().dump();
  EXPECT_EQ(validate_token(token(kSecret, header("HS256"), payload)), kAccepted);
  EXPECT_EQ(validate_token(token(rsa(), header("RS256"), payload)), kAccepted);
  EXPECT_EQ(validate_token(token(ec(), header("ES256"), payload)), kAccepted);
  EXPECT_EQ(validate_token(token(ed25519(), header("EdDSA"), payload)), kAccepted);
}

TEST(Token, IsRefusedWithoutASignature) {
  for (const char* name : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string text = testing::signed_text(header(name), claims().dump());
    EXPECT_THAT(validate_token(text + "."), EndsWith(kNoAlgorithm)) << name;
    EXPECT_EQ(validate_token(text), kNoParts) << name;
    EXPECT_THAT(validate_token(token(kSecret, header(name), claims().dump())),
                EndsWith(kNoAlgorithm))
        << name;
  }
  for (const char* name : {"HS256", "RS256", "ES256", "EdDSA"}) {
    EXPECT_EQ(validate_token(testing::signed_text(header(name), claims().dump()) + "."), kMismatch);
  }
}

TEST(Token, IsRefusedWhenAPublicKeyWasUsedAsSecret) {
  for (const auto& key : {rsa(), ec(), ed25519()}) {
    const std::string pem = public_pem(key);
    std::string trimmed = pem;
    trimmed.pop_back();
    for (const std::string& secret : {pem, trimmed}) {
      const std::string forged = token(secret, header("HS256"), claims().dump());
      EXPECT_THAT(validate_by(only(key), forged), StartsWith(kNoKey));
      EXPECT_EQ(validate_token(forged), kMismatch);
    }
  }
}

TEST(Token, IsRefusedWhenItsAlgorithmIsNotThatOfItsKey) {
  const std::string payload = claims().dump();
  EXPECT_EQ(validate_token(token(rsa(), header("ES256"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(ec(), header("RS256"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(ed25519(), header("ES256"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(ec(), header("EdDSA"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(rsa(), header("HS256"), payload)), kMismatch);
  EXPECT_THAT(validate_by(only(rsa()), token(rsa(), header("RS384"), payload)),
              EndsWith(kNoAlgorithm));
  EXPECT_THAT(validate_by(only(rsa()), token(rsa(), header("PS256"), payload)),
              EndsWith(kNoAlgorithm));
}

TEST(Token, IsRefusedWhenItWasSignedWithPss) {
  const std::string text = testing::signed_text(header("RS256"), claims().dump());
  const std::string signature = testing::sign_raw(rsa(), text, RSA_PKCS1_PSS_PADDING);
  EXPECT_EQ(validate_token(text + "." + base64url(signature)), kMismatch);
}

TEST(Token, IsRefusedWithTheKeyOfSomebodyElse) {
  const std::string payload = claims().dump();
  EXPECT_EQ(validate_token(token(std::string(32, 'x'), header("HS256"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(testing::make_rsa(), header("RS256"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(testing::make_ec(), header("ES256"), payload)), kMismatch);
  EXPECT_EQ(validate_token(token(testing::make_ed25519(), header("EdDSA"), payload)), kMismatch);
}

TEST(Token, IsRefusedWithAnEs256SignatureOfWrongForm) {
  const std::string text = testing::signed_text(header("ES256"), claims().dump());
  const std::string signature = testing::sign(ec(), text);
  for (const std::string& wrong :
       {std::string(64, '\0'), signature + '\0', std::string(1, '\0') + signature,
        signature.substr(0, 63), testing::sign_raw(ec(), text), std::string(200, 'x')}) {
    EXPECT_EQ(validate_token(text + "." + base64url(wrong)), kMismatch);
  }
}

TEST(Token, IsRefusedWhenAnyCharacterWasChanged) {
  for (const std::string& good : {token(kSecret, header("HS256"), claims().dump()),
                                  token(ec(), header("ES256"), claims().dump()),
                                  token(ed25519(), header("EdDSA"), claims().dump())}) {
    ASSERT_EQ(validate_token(good), kAccepted);
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string changed = good;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      EXPECT_NE(validate_token(changed), kAccepted) << "at " << at;
    }
  }
}

TEST(Token, IsRefusedWhereverItWasCut) {
  const std::string good = token(kSecret, header("HS256"), claims().dump());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(validate_token(good.substr(0, size)), kAccepted) << size;
  }
}

TEST(Token, IsRefusedWithPartsOfTwoTokens) {
  const std::string mine = token(kSecret, header("HS256"), claims().dump());
  const std::string other = token(kSecret, header("HS256"), with(claims(), "sub", "bob").dump());
  const auto dot = [](const std::string& text) { return text.rfind('.'); };
  EXPECT_EQ(validate_token(mine.substr(0, dot(mine)) + other.substr(dot(other))), kMismatch);
  EXPECT_EQ(validate_token(other.substr(0, dot(other)) + mine.substr(dot(mine))), kMismatch);
}

// ---- Form ---------------------------------------------------------------------------------------

TEST(Token, IsRefusedWithMoreOrFewerThanThreeParts) {
  const std::string good = token(kSecret, header("HS256"), claims().dump());
  for (const std::string& text : {std::string("x"), std::string("."), good + "." + good, good + ".",
                                  "." + good, good + ".x.y", base64url(claims().dump())}) {
    EXPECT_EQ(validate_token(text), kNoParts) << text;
  }
}

TEST(Token, IsRefusedWithEmptyParts) {
  const std::string mac = base64url(testing::hmac(kSecret, "."));
  EXPECT_NE(validate_token(".."), kAccepted);
  EXPECT_NE(validate_token(".." + mac), kAccepted);
  EXPECT_NE(validate_token(token(kSecret, "", claims().dump())), kAccepted);
  EXPECT_EQ(validate_token(token(kSecret, header("HS256"), "")),
            "the token's payload is not a JSON object in base64url");
}

TEST(Token, IsRefusedWithWhiteSpaceOrPadding) {
  const std::string good = token(kSecret, header("HS256"), claims().dump());
  for (const std::string& text :
       {" " + good, good + " ", good + "\n", good + "=", "Bearer " + good}) {
    EXPECT_NE(validate_token(text), kAccepted) << text;
  }
  // Signed as it stands, but not in base64url.
  const std::string text = base64url(header("HS256")) + "=." + base64url(claims().dump());
  EXPECT_EQ(validate_token(text + "." + base64url(testing::hmac(kSecret, text))),
            "the token's header is not a JSON object in base64url");
}

TEST(Token, IsRefusedWhenItsPartsAreNoObjects) {
  for (const char* json :
       {"[]", "\"alice\"", "null", "{", "{\"sub\":\"alice\",\"sub\":\"alice\"}"}) {
    EXPECT_EQ(validate_token(token(kSecret, json, claims().dump())),
              "the token's header is not a JSON object in base64url");
    EXPECT_EQ(validate_token(token(kSecret, header("HS256"), json)),
              "the token's payload is not a JSON object in base64url");
  }
}

TEST(Token, IsRefusedWithAClaimGivenTwice) {
  const std::string payload = R"({"sub":"bob","exp":1800000000,"sub":"alice"})";
  EXPECT_EQ(validate_token(token(kSecret, header("HS256"), payload)),
            "the token's payload is not a JSON object in base64url");
}

TEST(Token, IsRefusedWhenItIsHuge) {
  const Json fits = with(claims(), "x", std::string(12'000, 'x'));
  EXPECT_EQ(validate_claims(fits), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "x", std::string(12'300, 'x'))),
            "the token is longer than 16 KiB");
}

// ---- Header -------------------------------------------------------------------------------------

TEST(Token, MayHaveAnyTypeAndMembersThatNobodyKnows) {
  EXPECT_EQ(validate_header({{"alg", "HS256"}}), kAccepted);
  EXPECT_EQ(validate_header({{"alg", "HS256"}, {"typ", "at+jwt"}, {"more", {1, 2}}}), kAccepted);
}

TEST(Token, IsRefusedWithAnAlgorithmThatIsNoString) {
  EXPECT_THAT(validate_header(Json::object()), EndsWith(kNoAlgorithm));
  EXPECT_THAT(validate_header({{"alg", nullptr}}), EndsWith(kNoAlgorithm));
  EXPECT_THAT(validate_header({{"alg", {"HS256"}}}), EndsWith(kNoAlgorithm));
  EXPECT_THAT(validate_header({{"ALG", "HS256"}}), EndsWith(kNoAlgorithm));
  EXPECT_THAT(validate_header({{"alg", "hs256"}}), EndsWith(kNoAlgorithm));
}

TEST(Token, IsRefusedWithCriticalExtensions) {
  EXPECT_EQ(validate_header({{"alg", "HS256"}, {"crit", {"b64"}}, {"b64", false}}),
            "the token's header has crit");
  EXPECT_EQ(validate_header({{"alg", "HS256"}, {"crit", Json::array()}}),
            "the token's header has crit");
}

TEST(Token, IsNotVerifiedWithAKeyThatItBrings) {
  const auto mine = testing::make_rsa();
  const std::string certificate = testing::certificate_pem(mine);
  for (const Json& brought :
       {Json{{"jwk", testing::rsa_jwk(mine)}}, Json{{"jku", "http://127.0.0.1:1/keys.json"}},
        Json{{"x5u", "http://127.0.0.1:1/certificate.pem"}}, Json{{"x5c", {certificate}}}}) {
    Json with_key = brought;
    with_key["alg"] = "RS256";
    const std::string forged = token(mine, with_key.dump(), claims().dump());
    EXPECT_EQ(validate_token(forged), kMismatch);
    // And what it brings does not disturb, either.
    EXPECT_EQ(validate_token(token(rsa(), with_key.dump(), claims().dump())), kAccepted);
  }
}

// ---- Which key ----------------------------------------------------------------------------------

class NamedKeys : public ::testing::Test {
 protected:
  static std::string judge_named(const testing::PrivateKey& key, const Json& kid) {
    static const std::vector<Key> keys = set_of({with(testing::ec_jwk(ec()), "kid", "old"),
                                                 with(testing::ec_jwk(next()), "kid", "new"),
                                                 with(testing::rsa_jwk(rsa()), "kid", "rsa")});
    Json given{{"alg", "ES256"}};
    if (!kid.is_null()) given["kid"] = kid;
    return validate_by(keys, token(key, given.dump(), claims().dump()));
  }

  static const testing::PrivateKey& next() {
    static const testing::PrivateKey key = testing::make_ec();
    return key;
  }
};

TEST_F(NamedKeys, AreChosenByName) {
  EXPECT_EQ(judge_named(ec(), "old"), kAccepted);
  EXPECT_EQ(judge_named(next(), "new"), kAccepted);
}

TEST_F(NamedKeys, AreAllTriedForATokenThatNamesNone) {
  EXPECT_EQ(judge_named(ec(), nullptr), kAccepted);
  EXPECT_EQ(judge_named(next(), nullptr), kAccepted);
}

TEST_F(NamedKeys, AreNotTakenForEachOther) {
  EXPECT_EQ(judge_named(ec(), "new"), kMismatch);
  EXPECT_EQ(judge_named(next(), "old"), kMismatch);
}

TEST_F(NamedKeys, AreNotUsedForAnUnknownName) {
  EXPECT_THAT(judge_named(ec(), "older"), StartsWith(kNoKey));
  EXPECT_THAT(judge_named(ec(), ""), StartsWith(kNoKey));
}

TEST_F(NamedKeys, AreNotUsedForTheAlgorithmOfAnotherType) {
  EXPECT_THAT(judge_named(ec(), "rsa"), StartsWith(kNoKey));
}

TEST_F(NamedKeys, AreNotUsedForANameThatIsNoString) {
  EXPECT_EQ(judge_named(ec(), 1), "the token's kid is not a string");
}

TEST(Token, MayNameAnythingWhenTheKeyHasNoName) {
  EXPECT_EQ(validate_header({{"alg", "HS256"}, {"kid", "whatever"}}), kAccepted);
}

TEST(Token, IsVerifiedWithAJwkOnlyForTheAlgorithmOfTheJwk) {
  const auto keys = set_of({with(testing::secret_jwk(), "alg", "HS256"), testing::ec_jwk(ec())});
  EXPECT_EQ(validate_by(keys, token(kSecret, header("HS256"), claims().dump())), kAccepted);
  EXPECT_THAT(validate_by(keys, token(kSecret, header("RS256"), claims().dump())),
              StartsWith(kNoKey));
}

// ---- Time ---------------------------------------------------------------------------------------

TEST(Token, IsGoodUntilItsExpiryAndTheLeeway) {
  const Rules rules{.leeway = std::chrono::seconds(60)};
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow - 59), rules), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow - 60), rules), "the token expired 60 s ago");
  const Rules strict{.leeway = std::chrono::seconds(0)};
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow + 1), strict), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow), strict), "the token expired 0 s ago");
}

TEST(Token, MayExpireBetweenTwoSeconds) {
  const Rules strict{.leeway = std::chrono::seconds(0)};
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow + 0.5), strict), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow - 0.5), strict),
            "the token expired 1 s ago");
}

TEST(Token, IsRefusedWithAnExpiryLongAgo) {
  EXPECT_EQ(validate_claims(with(claims(), "exp", 0)), "the token expired 1700000000 s ago");
  EXPECT_EQ(validate_claims(with(claims(), "exp", -1e300)),
            "the token expired 1000000000000000 s ago");
}

TEST(Token, IsGoodWithAnExpiryFarAway) {
  EXPECT_EQ(validate_claims(with(claims(), "exp", 1e300)), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "exp", UINT64_MAX)), kAccepted);
}

TEST(Token, IsRefusedWithTimesInMilliseconds) {
  for (const char* name : {"exp", "nbf", "iat"}) {
    EXPECT_EQ(validate_claims(with(claims(), name, (kNow + 60) * 1000)),
              "the token's " + std::string(name) + " is in milliseconds, not in seconds");
  }
}

TEST(Token, SaysForHowLongItIsGood) {
  const auto good_for = [](const Json& payload, std::chrono::seconds leeway) {
    const Rules rules{.leeway = leeway, .expiry = Rules::Expiry::optional};
    const std::chrono::sys_seconds now{std::chrono::seconds(kNow)};
    const std::string text = token(kSecret, header("HS256"), payload.dump());
    return std::get<Accepted>(validate(text, "alice", all_keys(), rules, now)).good_for;
  };
  using std::chrono::seconds;
  EXPECT_EQ(good_for(claims(), seconds(0)), seconds(600));
  EXPECT_EQ(good_for(claims(), seconds(60)), seconds(660)) << "until it will be refused";
  EXPECT_EQ(good_for(with(claims(), "exp", kNow - 59), seconds(60)), seconds(1));
  EXPECT_EQ(good_for(with(claims(), "exp", kNow + 0.5), seconds(0)), seconds(1));
  EXPECT_EQ(good_for(with(claims(), "exp", 1e300), seconds(0)), seconds(10L * 365 * 24 * 3600));
  EXPECT_EQ(good_for(without(claims(), "exp"), seconds(60)), std::nullopt);
}

TEST(Token, NeedsAnExpiryUnlessToldOtherwise) {
  EXPECT_EQ(validate_claims(without(claims(), "exp")), "the token has no exp");
  const Rules rules{.expiry = Rules::Expiry::optional};
  EXPECT_EQ(validate_claims(without(claims(), "exp"), rules), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "exp", kNow - 100), rules),
            "the token expired 100 s ago");
}

TEST(Token, IsRefusedBeforeItsTimeAndTheLeeway) {
  EXPECT_EQ(validate_claims(with(claims(), "nbf", kNow + 60)), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "nbf", kNow + 61)),
            "the token is not valid for another 61 s");
}

TEST(Token, IsRefusedWhenItWasIssuedInTheFuture) {
  EXPECT_EQ(validate_claims(with(claims(), "iat", kNow + 60)), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "iat", kNow + 61)),
            "the token was issued 61 s in the future");
}

TEST(Token, IsRefusedWithTimesThatAreNoNumbers) {
  for (const char* name : {"exp", "nbf", "iat"}) {
    for (const Json& value : {Json("1800000000"), Json(nullptr), Json(true), Json::array({1})}) {
      EXPECT_EQ(validate_claims(with(claims(), name, value)),
                "the token's " + std::string(name) + " is not a number");
    }
  }
}

// ---- Who ----------------------------------------------------------------------------------------

TEST(Token, NamesTheNodeExactly) {
  EXPECT_EQ(validate_claims(claims(), {}, "alice"), kAccepted);
  for (const char* node : {"bob", "Alice", "alice ", "alic", "alice2", ""}) {
    EXPECT_THAT(validate_claims(claims(), {}, node), EndsWith(kNotTheNode)) << node;
  }
  EXPECT_THAT(validate_claims(with(claims(), "sub", std::string("alice\0", 6))),
              EndsWith(kNotTheNode));
}

TEST(Token, NamesNodesInAnyLanguage) {
  const std::string node = "Zoë \"€😀\"";
  EXPECT_EQ(validate_claims(with(claims(), "sub", node), {}, node), kAccepted);
}

TEST(Token, IsRefusedWhenItNamesTheNodeOtherwiseThanAsAString) {
  EXPECT_THAT(validate_claims(without(claims(), "sub")), EndsWith(kNotTheNode));
  EXPECT_THAT(validate_claims(with(claims(), "sub", 1), {}, "1"), EndsWith(kNotTheNode));
  EXPECT_THAT(validate_claims(with(claims(), "sub", {"alice"})), EndsWith(kNotTheNode));
  EXPECT_THAT(validate_claims(with(claims(), "sub", nullptr), {}, "null"), EndsWith(kNotTheNode));
}

TEST(Token, NamesTheNodeInTheClaimThatTheOperatorChose) {
  const Rules rules{.node_id_claim = "https://example.org/node"};
  EXPECT_EQ(validate_claims(with(claims(), "https://example.org/node", "n1"), rules, "n1"),
            kAccepted);
  EXPECT_THAT(validate_claims(claims(), rules, "alice"), EndsWith(kNotTheNode));
}

TEST(Token, IsFromTheIssuerThatTheOperatorChose) {
  const Rules rules{.issuer = "https://issuer.example"};
  EXPECT_EQ(validate_claims(with(claims(), "iss", "https://issuer.example"), rules), kAccepted);
  for (const Json& issuer : {Json("https://issuer.example/"), Json(""), Json(nullptr),
                             Json({"https://issuer.example"})}) {
    EXPECT_THAT(validate_claims(with(claims(), "iss", issuer), rules),
                EndsWith(", not JWT_ISSUER"));
  }
  EXPECT_EQ(validate_claims(claims(), rules), "the token's iss is missing, not JWT_ISSUER");
  EXPECT_EQ(validate_claims(with(claims(), "iss", "https://other.example"), rules),
            "the token's iss is \"https://other.example\", not JWT_ISSUER");
  EXPECT_EQ(validate_claims(with(claims(), "iss", std::string(1000, 'x')), rules),
            "the token's iss is \"" + std::string(64, 'x') + "…\", not JWT_ISSUER");
  EXPECT_EQ(validate_claims(with(claims(), "iss", "anybody")), kAccepted);
}

TEST(Token, IsForTheAudienceThatTheOperatorChose) {
  const Rules rules{.audience = "broker"};
  EXPECT_EQ(validate_claims(with(claims(), "aud", "broker"), rules), kAccepted);
  EXPECT_EQ(validate_claims(with(claims(), "aud", {"shop", "broker"}), rules), kAccepted);
  for (const Json& audience : {Json("shop"), Json("broker2"), Json::array(), Json({"shop", 1}),
                               Json{{"broker", "broker"}}, Json(nullptr), Json({{"broker"}})}) {
    EXPECT_THAT(validate_claims(with(claims(), "aud", audience), rules), EndsWith("JWT_AUDIENCE"));
  }
  EXPECT_EQ(validate_claims(claims(), rules), "the token's aud is missing, not JWT_AUDIENCE");
  EXPECT_EQ(validate_claims(with(claims(), "aud", "anybody")), kAccepted);
}

// ---- Where the token is ------------------------------------------------------------------------

TEST(TokenIn, IsTheTextItself) {
  EXPECT_EQ(token_in("a.b.c"), "a.b.c");
  EXPECT_EQ(token_in(""), "");
  EXPECT_EQ(token_in(" a.b.c"), " a.b.c");
}

TEST(TokenIn, IsAMemberOfAnObject) {
  EXPECT_EQ(token_in(R"({"token":"a.b.c"})"), "a.b.c");
  EXPECT_EQ(token_in(R"( {"more":{"token":1},"token":"a.b.c"} )"), "a.b.c");
}

TEST(TokenIn, IsNotInAnObjectWithoutOneString) {
  for (const char* data : {"{}", R"({"token":1})", R"({"Token":"a.b.c"})", R"({"token":"a.b.c")",
                           R"({"token":"a.b.c","token":"d.e.f"})", R"({"token":["a.b.c"]})"}) {
    EXPECT_EQ(token_in(data), std::nullopt) << data;
  }
}

TEST(TokenIn, IsNotLookedForInHugeData) {
  EXPECT_EQ(token_in(std::string(100'000, ' ') + R"({"token":"a.b.c"})"), std::nullopt);
}

}  // namespace
}  // namespace crolang::jwt_auth
