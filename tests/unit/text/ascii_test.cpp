#include "text/ascii.hpp"

#include <gtest/gtest.h>

namespace crolang::text {
namespace {

TEST(Ascii, LettersHaveALowerCase) {
  EXPECT_EQ(lowered("Stun:Example.ORG_09@[`{"), "stun:example.org_09@[`{");
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_upper = byte >= 'A' && byte <= 'Z';
    EXPECT_EQ(lower(static_cast<char>(byte)), static_cast<char>(is_upper ? byte + 0x20 : byte));
  }
}

TEST(Ascii, WordsAreTheSameWithoutRegardToCase) {
  EXPECT_TRUE(is_same_word("X-Forwarded-For", "x-forwarded-FOR"));
  EXPECT_TRUE(is_same_word("", ""));
  EXPECT_FALSE(is_same_word("host", "hos"));
  EXPECT_FALSE(is_same_word("host", "hosts"));
  // Letters of other alphabets have their case, and a kelvin sign is no k.
  EXPECT_FALSE(is_same_word("\xC3\x84", "\xC3\xA4"));
  EXPECT_FALSE(is_same_word("\xE2\x84\xAA", "k"));
  EXPECT_FALSE(is_same_word("@[", "`{"));
}

}  // namespace
}  // namespace crolang::text
