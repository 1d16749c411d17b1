#include "websocket/utf8.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crolang::websocket {
namespace {

std::uint8_t octet(char byte) {
  return static_cast<std::uint8_t>(byte);
}

/// The definition in prose, as slow as it is plain: RFC 3629 3.
bool is_utf8_by_the_book(std::string_view text) {
  while (!text.empty()) {
    const unsigned lead = octet(text[0]);
    const std::size_t size = lead < 0x80             ? 1
                             : (lead & 0xE0) == 0xC0 ? 2
                             : (lead & 0xF0) == 0xE0 ? 3
                             : (lead & 0xF8) == 0xF0 ? 4
                                                     : 0;
    if (size == 0 || text.size() < size) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
      if ((octet(text[i]) & 0xC0) != 0x80) return false;
      point = point << 6 | (octet(text[i]) & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[size] || point > 0x10FFFF) return false;
    if (point >= 0xD800 && point <= 0xDFFF) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string encoded(std::uint32_t point) {
  const auto tail = [point](int shift) {
    return static_cast<char>(0x80 | (point >> shift & 0x3F));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8Check, AcceptsEveryCharacterButSurrogates) {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
    ASSERT_EQ(is_utf8(encoded(point)), !is_surrogate) << point;
  }
}

TEST(Utf8Check, RefusesWhatLiesBeyondTheLastCharacter) {
  EXPECT_FALSE(is_utf8(encoded(0x110000)));
  EXPECT_FALSE(is_utf8(encoded(0x1FFFFF)));
}

TEST(Utf8Check, AgreesWithTheDefinitionOnAllPairsOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      ASSERT_EQ(is_utf8(text), is_utf8_by_the_book(text)) << first << ' ' << second;
    }
  }
}

TEST(Utf8Check, AgreesWithTheDefinitionWhereverItsRangesBegin) {
  constexpr std::string_view kEdges =
      "\x01\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5"
      "\xFF";
  for (const char a : kEdges) {
    for (const char b : kEdges) {
      for (const char c : kEdges) {
        for (const char d : kEdges) {
          const std::string text = {a, b, c, d};
          ASSERT_EQ(is_utf8(text), is_utf8_by_the_book(text))
              << +octet(a) << ' ' << +octet(b) << ' ' << +octet(c) << ' ' << +octet(d);
        }
      }
    }
  }
}

TEST(Utf8Check, SeesABadByteWhereverItStands) {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = '\xFF';
      ASSERT_FALSE(is_utf8(text)) << at << " of " << size;
    }
  }
}

TEST(Utf8Check, AcceptsACharacterWhereverItStands) {
  for (std::size_t before = 0; before <= 40; ++before) {
    for (std::size_t after = 0; after <= 40; ++after) {
      ASSERT_TRUE(is_utf8(std::string(before, 'x') + "\U0001F600" + std::string(after, 'x')));
    }
  }
}

TEST(Utf8Check, GivesTheSameAnswerWhereverTheTextIsSplit) {
  for (const std::string text : {"plain ASCII that fills more than a single block of bytes",
                                 "κόσμε: 水, \U0001F600 and \U0010FFFF, at the end é",
                                 "a surrogate \xED\xA0\x80 in the middle of something longer",
                                 "an overlong slash \xC0\xAF", "cut off \xF0\x9F\x98"}) {
    for (std::size_t split = 0; split <= text.size(); ++split) {
      const std::string_view view = text;
      Utf8Check check;
      const bool holds =
          check.feed(view.substr(0, split)) && check.feed(view.substr(split)) && check.complete();
      EXPECT_EQ(holds, is_utf8_by_the_book(text)) << text << " split at " << split;
    }
  }
}

TEST(Utf8Check, SaysThatTextCannotEndWithinACharacter) {
  Utf8Check check;
  EXPECT_TRUE(check.complete());
  EXPECT_TRUE(check.feed(std::string_view("\xE2\x82")));
  EXPECT_FALSE(check.complete());
  EXPECT_TRUE(check.feed(std::string_view("\xAC")));
  EXPECT_TRUE(check.complete());
}

TEST(Utf8Check, RefusesAtTheFirstByteThatCannotBe) {
  Utf8Check check;
  EXPECT_TRUE(check.feed(std::string_view("\xF4")));
  EXPECT_FALSE(check.feed(std::string_view("\x90")));
}

TEST(Utf8Check, NeverRecovers) {
  Utf8Check check;
  EXPECT_FALSE(check.feed(std::string_view("\xFF")));
  EXPECT_FALSE(check.feed(std::string_view("fine again, and long enough for a block")));
  EXPECT_FALSE(check.complete());
}

TEST(Utf8Check, TakesAnEmptyPiece) {
  Utf8Check check;
  EXPECT_TRUE(check.feed({}));
  EXPECT_TRUE(check.complete());
}

}  // namespace
}  // namespace crolang::websocket
