#include "engineio/sid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>
#include <string>
#include <string_view>

namespace crolang::engineio {
namespace {

std::string text(const Sid& sid) {
  return {sid.begin(), sid.end()};
}

TEST(Sid, SpellsFifteenBytesAsTwentyCharacters) {
  std::array<std::uint8_t, kSidEntropy> entropy{};
  EXPECT_EQ(text(make_sid(entropy)), "AAAAAAAAAAAAAAAAAAAA");
  entropy.fill(0xFF);
  EXPECT_EQ(text(make_sid(entropy)), "____________________");
  entropy.fill(0xFB);
  EXPECT_EQ(text(make_sid(entropy)), "-_v7-_v7-_v7-_v7-_v7");
  std::iota(entropy.begin(), entropy.end(), std::uint8_t{1});
  EXPECT_EQ(text(make_sid(entropy)), "AQIDBAUGBwgJCgsMDQ4P");
}

TEST(SidGenerator, UsesNoCharacterThatAUrlWouldEscape) {
  SidGenerator generator;
  for (int i = 0; i < 1000; ++i) {
    const Sid sid = generator.next();
    EXPECT_TRUE(std::all_of(sid.begin(), sid.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    })) << text(sid);
  }
}

TEST(SidGenerator, NeverRepeatsItselfAcrossItsBlocks) {
  SidGenerator generator;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(text(generator.next())).second);
}

TEST(SidGenerator, SharesNothingWithAnother) {
  SidGenerator one;
  SidGenerator other;
  EXPECT_NE(text(one.next()), text(other.next()));
}

}  // namespace
}  // namespace crolang::engineio
