#include "jwt-auth/key_ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "unit/jwt-auth/scratch_file.hpp"
#include "unit/jwt-auth/tokens.hpp"

namespace crolang::jwt_auth {
namespace {

using testing::ec;
using ::testing::HasSubstr;
using testing::kSecret;
using ::testing::Not;
using testing::public_pem;
using testing::rsa;
using testing::ScratchFile;

const Log kNoLog = [](plugin::LogLevel, std::string_view) {};

std::string refusal_of(const KeySources& sources) {
  try {
    const KeyRing ring(sources, kNoLog);
  } catch (const std::runtime_error& refused) {
    return refused.what();
  }
  return "no refusal";
}

TEST(KeyRing, HoldsTheKeysOfAllSources) {
  const ScratchFile pem(public_pem(rsa()));
  const ScratchFile jwks(testing::jwks({testing::ec_jwk(ec())}));
  const std::string pem_path = pem.path();
  const std::string jwks_path = jwks.path();
  const KeyRing ring({kSecret, pem_path, jwks_path}, kNoLog);
  const auto keys = ring.keys();
  ASSERT_EQ(keys->size(), 3u);
  EXPECT_EQ((*keys)[0].algorithm(), Algorithm::hs256);
  EXPECT_EQ((*keys)[1].algorithm(), Algorithm::rs256);
  EXPECT_EQ((*keys)[2].algorithm(), Algorithm::es256);
}

TEST(KeyRing, FollowsItsFilesAndLeavesEarlierSnapshotsAlone) {
  const ScratchFile pem(public_pem(rsa()));
  const std::string path = pem.path();
  KeyRing ring({{}, path, {}}, kNoLog);
  const auto before = ring.keys();
  ring.refresh();
  EXPECT_EQ(ring.keys(), before);
  pem.replace(public_pem(ec()));
  ring.refresh();
  EXPECT_EQ(ring.keys()->at(0).algorithm(), Algorithm::es256);
  EXPECT_EQ(before->at(0).algorithm(), Algorithm::rs256);
}

TEST(KeyRing, HasNoFilesWithASecretAlone) {
  EXPECT_FALSE(KeyRing({kSecret, {}, {}}, kNoLog).has_files());
}

TEST(KeyRing, RefusesToHaveNoKey) {
  EXPECT_EQ(refusal_of({}),
            "no key to verify tokens with: set JWT_SECRET, JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE");
}

TEST(KeyRing, RefusesAShortSecretWithoutShowingIt) {
  EXPECT_EQ(refusal_of({"hunter2", {}, {}}), "JWT_SECRET has 7 bytes; HS256 needs at least 32");
}

TEST(KeyRing, RefusesAPublicKeyAsSecret) {
  const std::string pem = public_pem(rsa());
  EXPECT_THAT(refusal_of({pem, {}, {}}), HasSubstr("JWT_SECRET holds a PEM block"));
  EXPECT_THAT(refusal_of({pem, {}, {}}), Not(HasSubstr("BEGIN")));
}

TEST(KeyRing, RefusesAKeySetAsSecret) {
  const std::string set = testing::jwks({testing::ec_jwk(ec())});
  EXPECT_THAT(refusal_of({set, {}, {}}), HasSubstr("JWT_SECRET holds a JSON Web Key"));
}

TEST(KeyRing, RefusesAKeyWhereAFileIsNamedWithoutShowingIt) {
  const std::string pem = "-----BEGIN PRIVATE KEY-----\nMIIhunter2\n-----END PRIVATE KEY-----";
  EXPECT_EQ(refusal_of({{}, pem, {}}),
            "JWT_PUBLIC_KEY_FILE holds a key itself: it must be the name of a file with the key");
  EXPECT_EQ(refusal_of({{}, {}, R"({"keys":[]})"}),
            "JWT_JWKS_FILE holds a key itself: it must be the name of a file with the key");
}

TEST(KeyRing, RefusesAUrlWhereAFileIsNamed) {
  EXPECT_EQ(refusal_of({{}, {}, "https://example.org/jwks.json"}),
            "JWT_JWKS_FILE is a URL: it must be the name of a file; download the keys into one");
}

TEST(KeyRing, NamesTheVariableOfABadFile) {
  EXPECT_THAT(refusal_of({{}, "/nowhere/key.pem", {}}),
              HasSubstr("JWT_PUBLIC_KEY_FILE '/nowhere/key.pem' cannot be read"));
  EXPECT_THAT(refusal_of({{}, {}, "/nowhere/set.json"}),
              HasSubstr("JWT_JWKS_FILE '/nowhere/set.json' cannot be read"));
}

TEST(KeyRing, TakesOtherSourcesWhenItIsReloaded) {
  const ScratchFile pem(public_pem(ec()));
  const std::string path = pem.path();
  KeyRing ring({kSecret, {}, {}}, kNoLog);
  const auto before = ring.keys();
  ring.reload({{}, path, {}});
  ASSERT_EQ(ring.keys()->size(), 1u);
  EXPECT_EQ(ring.keys()->at(0).algorithm(), Algorithm::es256);
  EXPECT_TRUE(ring.has_files());
  EXPECT_EQ(before->at(0).algorithm(), Algorithm::hs256);
}

TEST(KeyRing, ReadsAFileAnewWhenItIsReloadedWhateverItsTimesSay) {
  const ScratchFile pem(public_pem(rsa()));
  const std::string path = pem.path();
  KeyRing ring({{}, path, {}}, kNoLog);
  pem.replace(public_pem(ec()));
  ring.reload({{}, path, {}});
  EXPECT_EQ(ring.keys()->at(0).algorithm(), Algorithm::es256);
}

TEST(KeyRing, StaysAsItIsIfItCannotBeReloaded) {
  KeyRing ring({kSecret, {}, {}}, kNoLog);
  const auto before = ring.keys();
  for (const KeySources& bad :
       {KeySources{"hunter2", {}, {}}, KeySources{}, KeySources{kSecret, "/no", {}}}) {
    EXPECT_THROW(ring.reload(bad), std::runtime_error);
    EXPECT_EQ(ring.keys(), before);
    EXPECT_FALSE(ring.has_files());
  }
}

}  // namespace
}  // namespace crolang::jwt_auth
