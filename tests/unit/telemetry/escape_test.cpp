#include "telemetry/escape.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace crolang::telemetry {
namespace {

using namespace std::string_literals;

std::string escaped(std::string_view bytes, std::size_t limit = 1000) {
  std::string out;
  append_escaped(out, bytes, Escape::quoted, limit);
  return out;
}

TEST(Escape, LeavesOrdinaryTextAsItIs) {
  EXPECT_EQ(escaped("Zoë, 東京 🚀"), "Zoë, 東京 🚀");
}

TEST(Escape, WritesLineBreaksAndControlCharactersAsCodes) {
  EXPECT_EQ(escaped("a\nb\rc\0d\x1b[2J\x7f"s), "a\\u000ab\\u000dc\\u0000d\\u001b[2J\\u007f");
}

TEST(Escape, WritesUnicodeLineBreaksC1AndDirectionOverridesAsCodes) {
  EXPECT_EQ(escaped("\u0085\u009b\u2028\u2029\u202e\u2066"),
            "\\u0085\\u009b\\u2028\\u2029\\u202e\\u2066");
}

TEST(Escape, EscapesQuotesAndBackslashesInsideQuotes) {
  EXPECT_EQ(escaped(R"(a"b\c)"), R"(a\"b\\c)");
}

TEST(Escape, KeepsQuotesInBareText) {
  std::string out;
  append_escaped(out, "say \"no\"\n", Escape::bare, 100);
  EXPECT_EQ(out, "say \"no\"\\u000a");
}

TEST(Escape, ReplacesWhatIsNotUtf8) {
  for (const std::string& damaged :
       {"\xff"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\x80"s,
        "\xe0\x80\x80"s, "\xf0\x80\x80\x80"s, "\xf5\x80\x80\x80"s}) {
    std::string expected;
    for (std::size_t i = 0; i < damaged.size(); ++i) expected += "\\ufffd";
    EXPECT_EQ(escaped(damaged), expected);
  }
}

TEST(Escape, ContinuesAfterDamagedBytes) {
  EXPECT_EQ(escaped("a\xe2(b"), "a\\ufffd(b");
}

TEST(Escape, CutsLongTextAndSaysHowMuchIsLeftOut) {
  EXPECT_EQ(escaped("abcdefgh", 5), "abcde…(+3 bytes)");
}

TEST(Escape, NeverCutsThroughACharacter) {
  EXPECT_EQ(escaped("abc🚀d", 5), "abc…(+5 bytes)");
}

TEST(Escape, QuotedTextIsAlwaysOneLineOfJsonWhateverTheBytesAre) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(static_cast<std::size_t>(round % 40), '\0');
    for (char& c : bytes) c = static_cast<char>(byte(random));
    const std::string text = in_quotes(bytes);
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
    EXPECT_EQ(text.find_first_of("\n\r\x1b"), std::string::npos);
  }
}

}  // namespace
}  // namespace crolang::telemetry
