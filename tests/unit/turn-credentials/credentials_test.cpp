#include "turn-credentials/credentials.hpp"

#include <gtest/gtest.h>

namespace crolang::turn_credentials {
namespace {

std::string hex(const Sha1& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

constexpr std::chrono::sys_seconds kExpiry{std::chrono::seconds(1'700'014'400)};

TEST(HmacSha1, IsThatOfRfc2202) {
  EXPECT_EQ(hex(hmac_sha1(std::string(20, '\x0b'), "Hi There")),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(hex(hmac_sha1("Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(hmac_sha1(std::string(20, '\xaa'), std::string(50, '\xdd'))),
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
}

TEST(HmacSha1, TakesAKeyLongerThanABlock) {
  EXPECT_EQ(hex(hmac_sha1(std::string(80, '\xaa'),
                          "Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

// The passwords are what `printf <username> | openssl dgst -sha1 -hmac north -binary | base64`
// says.
TEST(Credentials, NameTheExpiryAndTheNode) {
  const Credentials credentials = make_credentials("north", "alice", kExpiry);
  EXPECT_EQ(credentials.username, "1700014400:alice");
  EXPECT_EQ(credentials.password, "vdJ7XnuaY5qzTO0D1hs7yLBVLqA=");
}

TEST(Credentials, TakeTheNodeIdAsItIs) {
  const Credentials credentials = make_credentials("north", "Zoë \"x\":1", kExpiry);
  EXPECT_EQ(credentials.username, "1700014400:Zoë \"x\":1");
  EXPECT_EQ(credentials.password, "snhqbJjF1jCzj5byx6hYroXp0bk=");
}

TEST(Credentials, MayNameTheExpiryAlone) {
  const Credentials credentials = make_credentials("north", "alice", kExpiry, Username::expiry);
  EXPECT_EQ(credentials.username, "1700014400");
  EXPECT_EQ(credentials.password, "VRpVhk3GCmNqV6SKGTzjAjvgKB4=");
}

TEST(Credentials, DifferByNodeAndSecretAndExpiry) {
  const std::string password = make_credentials("north", "alice", kExpiry).password;
  EXPECT_NE(make_credentials("north", "bob", kExpiry).password, password);
  EXPECT_NE(make_credentials("south", "alice", kExpiry).password, password);
  EXPECT_NE(make_credentials("north", "alice", kExpiry + std::chrono::seconds(1)).password,
            password);
}

}  // namespace
}  // namespace crolang::turn_credentials
