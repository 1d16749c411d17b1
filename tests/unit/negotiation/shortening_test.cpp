#include "negotiation/shortening.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crolang::negotiation {
namespace {

using ::testing::StartsWith;

TEST(Shortening, KeepsWhatIsShort) {
  EXPECT_EQ(bounded("alice", 64), "alice");
  EXPECT_EQ(bounded("Zoë€😀", 64), "Zoë€😀");
  EXPECT_EQ(bounded("", 64), "");
  EXPECT_EQ(bounded(std::string(64, 'x'), 64), std::string(64, 'x'));
}

TEST(Shortening, BoundsWhatIsLongAndKeepsItDistinct) {
  const std::string long_one(100'000, 'x');
  const std::string one = bounded(long_one + "1", 64);
  const std::string two = bounded(long_one + "2", 64);
  EXPECT_EQ(one.size(), 64u);
  EXPECT_THAT(one, StartsWith("xxxx"));
  EXPECT_NE(one, two);
  EXPECT_EQ(one, bounded(long_one + "1", 64));
}

TEST(Shortening, CutsNoCharacter) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "€";
  for (std::size_t longest = 60; longest < 70; ++longest) {
    const std::string kept = bounded(text, longest);
    EXPECT_LE(kept.size(), longest);
    EXPECT_EQ((kept.find("…#")) % 3, 0u);
  }
}

TEST(Shortening, MakesOneLineOfUtf8OfAnything) {
  EXPECT_EQ(bounded("a\nb", 64), "a\\u000ab");
  EXPECT_EQ(bounded("\xED\xA0\x80", 64), "\\ufffd\\ufffd\\ufffd");
  const std::string controls(64, '\x01');
  EXPECT_LE(bounded(controls, 64).size(), 64u);
  EXPECT_NE(bounded(controls, 64), bounded(std::string(63, '\x01'), 64));
}

TEST(Shortening, SaysWhetherATextIsWhatItWas) {
  for (const std::string text : {"alice", "Zoë€😀", ""}) {
    EXPECT_TRUE(is_verbatim(bounded(text, 64))) << text;
  }
  EXPECT_FALSE(is_verbatim(bounded(std::string(65, 'x'), 64)));
  EXPECT_FALSE(is_verbatim(bounded("a\nb", 64)));
}

TEST(Shortening, ShowsTheBeginningInASentence) {
  EXPECT_EQ(shown("alice"), "alice");
  EXPECT_EQ(shown(std::string(41, 'x')), std::string(40, 'x') + "…");
}

}  // namespace
}  // namespace crolang::negotiation
