#include "crolang/base64.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace crolang::base64 {
namespace {

// RFC 4648 10
const std::vector<std::pair<std::string, std::string>> kVectors{{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(Base64, WritesTheExamplesOfTheRfc) {
  for (const auto& [bytes, text] : kVectors) EXPECT_EQ(encode(bytes), text);
}

TEST(Base64, WritesNoMoreThanItSays) {
  for (const auto& [bytes, text] : kVectors) {
    std::string out(encoded_size(bytes.size()) + 1, '#');
    encode(bytes, out.data());
    EXPECT_EQ(out, text + "#");
  }
}

TEST(Base64, ReadsTheExamplesOfTheRfc) {
  for (const auto& [bytes, text] : kVectors) EXPECT_EQ(decode(text), bytes);
}

TEST(Base64, ReadsTextWithoutPadding) {
  EXPECT_EQ(decode("Zg"), "f");
  EXPECT_EQ(decode("Zm9vYmE"), "fooba");
}

TEST(Base64, ReadsAllBytesBack) {
  EXPECT_EQ(decode(encode(all_bytes())), all_bytes());
  EXPECT_EQ(decode(encode(all_bytes() + "x")), all_bytes() + "x");
}

TEST(Base64, IgnoresBitsThatBelongToNoByte) {
  EXPECT_EQ(decode("Zh=="), "f");
  EXPECT_EQ(decode("Zm9"), "fo");
}

TEST(Base64, ReadsNothingElse) {
  for (const char* text : {"Z", "Zg=", "Zg===", "Z===", "=", "====", "Zm9v====", "Zg==Zg==",
                           "Z m9v", "Zm9v\n", "Zm-_", "Zm9*", "\xff"}) {
    EXPECT_EQ(decode(text), std::nullopt) << text;
  }
}

TEST(Base64, KnowsTheDigitsOfEachAlphabet) {
  for (const char c : std::string("AZaz09")) {
    EXPECT_TRUE(is_digit(c, Alphabet::standard)) << c;
    EXPECT_TRUE(is_digit(c, Alphabet::url)) << c;
  }
  for (const char c : std::string("+/")) {
    EXPECT_TRUE(is_digit(c, Alphabet::standard)) << c;
    EXPECT_FALSE(is_digit(c, Alphabet::url)) << c;
  }
  for (const char c : std::string("-_")) {
    EXPECT_FALSE(is_digit(c, Alphabet::standard)) << c;
    EXPECT_TRUE(is_digit(c, Alphabet::url)) << c;
  }
  for (const char c : std::string("= .\n\xff\0", 6)) {
    EXPECT_FALSE(is_digit(c, Alphabet::standard)) << c;
    EXPECT_FALSE(is_digit(c, Alphabet::url)) << c;
  }
}

TEST(Base64url, ReadsTheExamplesOfTheRfcWithoutTheirPadding) {
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(decode_url(text.substr(0, text.find('='))), bytes);
  }
}

TEST(Base64url, ReadsTheExampleOfRfc7515AppendixC) {
  EXPECT_EQ(decode_url("A-z_4ME"), std::string("\x03\xec\xff\xe0\xc1"));
}

TEST(Base64url, ReadsEveryByte) {
  EXPECT_EQ(decode_url("AP8A__-A"), std::string("\0\xff\0\xff\xff\x80", 6));
}

TEST(Base64url, RefusesPadding) {
  EXPECT_EQ(decode_url("Zg=="), std::nullopt);
  EXPECT_EQ(decode_url("Zm8="), std::nullopt);
}

TEST(Base64url, RefusesTheAlphabetOfPlainBase64) {
  EXPECT_EQ(decode_url("A+z/4ME"), std::nullopt);
}

TEST(Base64url, RefusesWhiteSpaceAndOtherBytes) {
  for (const std::string_view text : std::initializer_list<std::string_view>{
           "Zm9v ", " Zm9v", "Zm\n9v", "Zm.9", "Zm9\xc3", {"Zm9\0", 4}}) {
    EXPECT_EQ(decode_url(text), std::nullopt) << text;
  }
}

TEST(Base64url, RefusesALoneLastCharacter) {
  EXPECT_EQ(decode_url("A"), std::nullopt);
  EXPECT_EQ(decode_url("Zm9vA"), std::nullopt);
}

TEST(Base64url, RefusesBitsThatBelongToNoByte) {
  EXPECT_EQ(decode_url("Zh"), std::nullopt);
  EXPECT_EQ(decode_url("Zm9"), std::nullopt);
}

}  // namespace
}  // namespace crolang::base64
