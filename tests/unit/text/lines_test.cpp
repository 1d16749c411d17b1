#include "text/lines.hpp"

#include <gtest/gtest.h>

namespace crolang::text {
namespace {

TEST(TextLines, CountsCharacters) {
  EXPECT_EQ(columns("aü€😀"), 4U);
  EXPECT_EQ(columns(""), 0U);
}

TEST(TextLines, WrapsTextBetweenWords) {
  const std::string text = wrapped(std::string(60, 'a') + " " + std::string(60, 'b'), "  ");
  EXPECT_EQ(text, "  " + std::string(60, 'a') + "\n  " + std::string(60, 'b') + "\n");
}

TEST(TextLines, DoesNotCutWords) {
  const std::string word(150, 'a');
  EXPECT_EQ(wrapped(word, "  "), "  " + word + "\n");
}

}  // namespace
}  // namespace crolang::text
