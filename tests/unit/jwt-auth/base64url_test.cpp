#include "jwt-auth/base64url.hpp"

#include <gtest/gtest.h>

namespace crolang::jwt_auth {
namespace {

TEST(Base64url, DecodesTheVectorsOfRfc4648WithoutTheirPadding) {
  EXPECT_EQ(decode_base64url(""), "");
  EXPECT_EQ(decode_base64url("Zg"), "f");
  EXPECT_EQ(decode_base64url("Zm8"), "fo");
  EXPECT_EQ(decode_base64url("Zm9v"), "foo");
  EXPECT_EQ(decode_base64url("Zm9vYg"), "foob");
  EXPECT_EQ(decode_base64url("Zm9vYmE"), "fooba");
  EXPECT_EQ(decode_base64url("Zm9vYmFy"), "foobar");
}

TEST(Base64url, DecodesTheExampleOfRfc7515AppendixC) {
  EXPECT_EQ(decode_base64url("A-z_4ME"), std::string("\x03\xec\xff\xe0\xc1"));
}

TEST(Base64url, DecodesEveryByte) {
  EXPECT_EQ(decode_base64url("AP8A__-A"), std::string("\0\xff\0\xff\xff\x80", 6));
}

TEST(Base64url, RefusesPadding) {
  EXPECT_EQ(decode_base64url("Zg=="), std::nullopt);
  EXPECT_EQ(decode_base64url("Zm8="), std::nullopt);
}

TEST(Base64url, RefusesTheAlphabetOfPlainBase64) {
  EXPECT_EQ(decode_base64url("A+z/4ME"), std::nullopt);
}

TEST(Base64url, RefusesWhiteSpaceAndOtherBytes) {
  for (const std::string_view text : std::initializer_list<std::string_view>{
           "Zm9v ", " Zm9v", "Zm\n9v", "Zm.9", "Zm9\xc3", {"Zm9\0", 4}}) {
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
  }
}

TEST(Base64url, RefusesALoneLastCharacter) {
  EXPECT_EQ(decode_base64url("A"), std::nullopt);
  EXPECT_EQ(decode_base64url("Zm9vA"), std::nullopt);
}

TEST(Base64url, RefusesBitsThatBelongToNoByte) {
  EXPECT_EQ(decode_base64url("Zh"), std::nullopt);
  EXPECT_EQ(decode_base64url("Zm9"), std::nullopt);
}

}  // namespace
}  // namespace crolang::jwt_auth
