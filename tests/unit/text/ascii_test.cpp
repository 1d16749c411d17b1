#include "text/ascii.hpp"

#include <gtest/gtest.h>

namespace crolang::text {
namespace {

TEST(Ascii, LettersHaveALowerCase) {
  EXPECT_EQ(to_lower("Stun:Example.ORG_09@[`{"), "stun:example.org_09@[`{");
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_upper = byte >= 'A' && byte <= 'Z';
    EXPECT_EQ(to_lower(static_cast<char>(byte)), static_cast<char>(is_upper ? byte + 0x20 : byte));
  }
}

TEST(Ascii, WordsAreTheSameWithoutRegardToCase) {
  EXPECT_TRUE(equals_ignore_case("X-Forwarded-For", "x-forwarded-FOR"));
  EXPECT_TRUE(equals_ignore_case("", ""));
  EXPECT_FALSE(equals_ignore_case("host", "hos"));
  EXPECT_FALSE(equals_ignore_case("host", "hosts"));
  // Letters of other alphabets have their case, and a kelvin sign is no k.
  EXPECT_FALSE(equals_ignore_case("\xC3\x84", "\xC3\xA4"));
  EXPECT_FALSE(equals_ignore_case("\xE2\x84\xAA", "k"));
  EXPECT_FALSE(equals_ignore_case("@[", "`{"));
}

}  // namespace
}  // namespace crolang::text
