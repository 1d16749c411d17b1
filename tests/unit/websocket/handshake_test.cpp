#include "websocket/handshake.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::websocket {
namespace {

std::string accepted(std::string_view key) {
  const auto accept = accept_key(key);
  return {accept.begin(), accept.end()};
}

TEST(Handshake, AnswersTheKeyOfTheRfc) {  // RFC 6455 1.3
  EXPECT_EQ(accepted("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, AnswersEveryKeyAnew) {
  EXPECT_EQ(accepted("x3JJHMbDL1EzLkh9GBhXDw=="), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  EXPECT_EQ(accepted("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, AcceptsAKeyOf22Base64CharactersAndTwoEqualsSigns) {
  EXPECT_TRUE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_TRUE(is_valid_key("abcxyzABCXYZ0189+/+/AA=="));
}

TEST(Handshake, RefusesAKeyOfAnotherLength) {
  for (const auto* key : {"", "==", "dGhlIHNhbXBsZSBub25jZ==", "dGhlIHNhbXBsZSBub25jZQA=="}) {
    EXPECT_FALSE(is_valid_key(key)) << key;
  }
}

TEST(Handshake, RefusesAKeyWithoutTwoEqualsSigns) {
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQA="));
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQAA"));
}

TEST(Handshake, RefusesCharactersThatAreNotBase64) {
  constexpr std::string_view kBase64 =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int byte = 0; byte < 256; ++byte) {
    const char letter = static_cast<char>(byte);
    const bool is_base64 = kBase64.find(letter) != std::string_view::npos;
    for (const std::size_t at : {0, 10, 21}) {
      std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
      key[at] = letter;
      EXPECT_EQ(is_valid_key(key), is_base64) << byte;
    }
  }
}

}  // namespace
}  // namespace crolang::websocket
