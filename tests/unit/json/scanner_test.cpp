#include "json/scanner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::json {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

/// Whether JSON.parse would take the whole text, white space around its value included.
bool is_valid(std::string_view text) {
  Depth depth;
  const std::size_t start = skip_space(text, 0);
  const std::size_t end = scan_value(text, start, depth);
  return end != npos && skip_space(text, end) == text.size();
}

std::string unescaped(std::string_view literal) {
  std::string out;
  append_unescaped(out, literal);
  return out;
}

std::string literal_of(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string repeated(std::string_view piece, std::size_t times) {
  std::string out;
  for (; times != 0; --times) out += piece;
  return out;
}

TEST(Scanner, AcceptsEveryKindOfValue) {
  for (const auto text :
       {"null"sv, "true"sv, "false"sv, "0"sv, "\"\""sv, "[]"sv, "{}"sv,
        "[1,\"a\",null,true,false,{},[]]"sv, R"({"a":1,"b":[{"c":{}}],"":""})"sv}) {
    EXPECT_TRUE(is_valid(text)) << text;
  }
}

TEST(Scanner, AcceptsTheFourWhiteSpaceBytesBetweenTokens) {
  EXPECT_TRUE(
      is_valid(" \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n, "
               "\"b\" : { } , \"c\" : [ ] } \t\r\n"));
}

TEST(Scanner, RefusesAnyOtherWhiteSpaceBetweenTokens) {
  for (const auto text : {"\v1"sv, "\f1"sv, "1\v"sv,
                          "\xC2\xA0"
                          "1"sv,
                          "1\xE2\x80\xA8"sv, "[1,\0]"sv, "1\0"sv, "\xEF\xBB\xBF{}"sv}) {
    EXPECT_FALSE(is_valid(text)) << text;
  }
}

TEST(Scanner, AcceptsEveryFormOfNumber) {
  for (const auto text : {"0"sv, "-0"sv, "10"sv, "-19"sv, "0.0"sv, "-0.10"sv, "1e1"sv, "1E+10"sv,
                          "0e-0"sv, "1.5e999"sv, "123456789012345678901234567890"sv, "-1e-999"sv,
                          "0.00000000000000000000001"sv}) {
    EXPECT_TRUE(is_valid(text)) << text;
    EXPECT_TRUE(is_valid("[" + std::string(text) + "]")) << text;
  }
}

TEST(Scanner, RefusesMalformedNumbers) {
  for (const auto text :
       {"-"sv,        "+1"sv,        "01"sv,  "-01"sv, "00"sv,    "1."sv,    ".5"sv,    "-.5"sv,
        "1.e1"sv,     "1e"sv,        "1e+"sv, "1e-"sv, "1e1.5"sv, "0x10"sv,  "1_000"sv, "NaN"sv,
        "Infinity"sv, "-Infinity"sv, "1a"sv,  "- 1"sv, "1 2"sv,   "1.2.3"sv, "--1"sv,   "1n"sv}) {
    EXPECT_FALSE(is_valid(text)) << text;
    EXPECT_FALSE(is_valid("[" + std::string(text) + "]")) << text;
  }
}

TEST(Scanner, RefusesMisspelledWords) {
  for (const auto text : {"nul"sv, "nulL"sv, "Null"sv, "True"sv, "TRUE"sv, "truefalse"sv, "fals"sv,
                          "undefined"sv, "tru e"sv, "t"sv, "n"sv, "f"sv}) {
    EXPECT_FALSE(is_valid(text)) << text;
  }
}

TEST(Scanner, RefusesMalformedContainers) {
  for (const auto text : {"["sv,
                          "]"sv,
                          "{"sv,
                          "}"sv,
                          "[1"sv,
                          "[1,"sv,
                          "[1,]"sv,
                          "[,1]"sv,
                          "[,]"sv,
                          "[1 2]"sv,
                          "[1}"sv,
                          "{]"sv,
                          "[}"sv,
                          "{\"a\"}"sv,
                          "{\"a\":}"sv,
                          "{\"a\":1,}"sv,
                          "{,}"sv,
                          "{\"a\" 1}"sv,
                          "{\"a\":1]"sv,
                          "{a:1}"sv,
                          "{'a':1}"sv,
                          "{1:1}"sv,
                          "{\"a\":1 \"b\":2}"sv,
                          "{\"a\":1"sv,
                          "{\"a\":"sv,
                          "{\"a\""sv,
                          "{\"a"sv,
                          "{null:1}"sv,
                          "[[]"sv,
                          "[]]"sv,
                          "{}{}"sv,
                          "{\"a\"::1}"sv,
                          "[1:2]"sv,
                          "{\"a\",1}"sv,
                          "{[]:1}"sv,
                          "[{\"a\":[1}]"sv,
                          "{\"a\":1,,\"b\":2}"sv,
                          "[1] x"sv}) {
    EXPECT_FALSE(is_valid(text)) << text;
  }
}

TEST(Scanner, RefusesWhatOnlyLooksLikeJson) {
  for (const auto text : {""sv, " "sv, "//x\n1"sv, "1/*x*/"sv, "'a'"sv, "`a`"sv, ","sv, ":"sv,
                          "\\"sv, "\x80"sv, "\xFF"sv, "\0"sv}) {
    EXPECT_FALSE(is_valid(text)) << text;
  }
}

TEST(Scanner, ScansAStringTheSameWhereverItsSpecialByteStands) {
  // Strings are scanned in blocks of sixteen bytes up to the first escape, of sixty-four from there
  // on, and byte by byte at the end.
  for (std::size_t before = 0; before < 160; ++before) {
    // An escape in front has the rest scanned in the larger blocks.
    const std::string head = (before < 80 ? "" : R"(\n)") + std::string(before % 80, 'a');
    for (std::size_t after = 0; after < 150; after += after < 40 ? 3 : 50) {
      const auto literal = [&](std::string_view middle) {
        return "\"" + head + std::string(middle) + std::string(after, 'b') + "\"";
      };
      EXPECT_TRUE(is_valid(literal("")));
      EXPECT_TRUE(is_valid(literal(R"(\")")));
      EXPECT_TRUE(is_valid(literal(R"(\\)")));
      EXPECT_TRUE(is_valid(literal(R"(\u00e9)")));
      EXPECT_TRUE(is_valid(literal("\x7F")));
      EXPECT_TRUE(is_valid(literal("\xE2\x80\xA8")));
      EXPECT_TRUE(is_valid(literal("\xF0\x9F\x98\x80")));
      EXPECT_FALSE(is_valid(literal("\"")));
      EXPECT_FALSE(is_valid(literal(R"(\x)")));
      EXPECT_FALSE(is_valid(literal("\n")));
      EXPECT_FALSE(is_valid(literal("\x1F")));
      EXPECT_FALSE(is_valid(literal("\0"sv)));
      EXPECT_FALSE(is_valid(literal(R"(\u12)" + "g4"s)));
      std::string open = literal("");
      open.pop_back();
      EXPECT_FALSE(is_valid(open));
    }
  }
}

/// Byte by byte.
StringScan simple_scan(std::string_view text) {
  bool has_escapes = false;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') return {at + 1, has_escapes};
    if (static_cast<unsigned char>(text[at]) < 0x20) return {npos, has_escapes};
    if (text[at] != '\\') continue;
    has_escapes = true;
    ++at;
    if (at == text.size() || R"("\/bfnrtu)"sv.find(text[at]) == npos) return {npos, true};
    if (text[at] != 'u') continue;
    const std::string_view digits = text.substr(at + 1, 4);
    if (digits.size() != 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != npos) {
      return {npos, true};
    }
    at += 4;
  }
  return {npos, has_escapes};
}

TEST(Scanner, FindsTheEndOfAStringAsAByteByByteScanDoes) {
  std::mt19937 random(1);  // NOLINT: the same texts each time
  constexpr std::array kWhole = {R"(\n)"sv, R"(\\)"sv, R"(\")"sv, R"(\u0061)"sv, "aaaaaaaaaaa"sv};
  constexpr std::array kPart = {R"(\)"sv, R"(")"sv, "n"sv, "x"sv, "u0061"sv, "\x1F"sv};
  std::size_t valid = 0;
  std::size_t malformed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "\"";
    while (text.size() < 200) {
      text +=
          random() % 50 == 0 ? kPart[random() % kPart.size()] : kWhole[random() % kWhole.size()];
    }
    text += R"("})";
    const StringScan expected = simple_scan(text);
    const StringScan found = scan_string(text, 0);
    ASSERT_EQ(found.end, expected.end) << text;
    ++(expected.end == npos ? malformed : valid);
    if (expected.end != npos) {
      ASSERT_EQ(found.has_escapes, expected.has_escapes) << text;
    }
  }
  EXPECT_GT(std::min(valid, malformed), 1'000U);
}

TEST(Scanner, RefusesEveryRawControlCharacterInAString) {
  for (int byte = 0; byte < 0x20; ++byte) {
    EXPECT_FALSE(is_valid("\"" + std::string(1, static_cast<char>(byte)) + "\"")) << byte;
    EXPECT_FALSE(is_valid("\"\\n" + std::string(1, static_cast<char>(byte)) + "\"")) << byte;
  }
}

TEST(Scanner, KnowsTheEightEscapesAndTheHexadecimalOne) {
  for (int letter = 1; letter < 256; ++letter) {
    const bool is_known = "\"\\/bfnrt"sv.find(static_cast<char>(letter)) != npos;
    const std::string literal = {'"', '\\', static_cast<char>(letter), 'x', '"'};
    EXPECT_EQ(is_valid(literal), is_known) << letter;
  }
  for (const auto literal : {R"("\u0000")"sv, R"("\uABCD")"sv, R"("\uabcd")"sv, R"("\u12aF5")"sv}) {
    EXPECT_TRUE(is_valid(literal)) << literal;
  }
  for (const auto literal : {R"("\u")"sv, R"("\u1")"sv, R"("\u12")"sv, R"("\u123")"sv,
                             R"("\u123g")"sv, R"("\u 123")"sv, R"("\u+123")"sv, R"("\U0041")"sv,
                             R"("\u123)"sv, R"("\u00G0")"sv, R"("\u00@0")"sv, R"("\u00`0")"sv}) {
    EXPECT_FALSE(is_valid(literal)) << literal;
  }
}

TEST(Scanner, RefusesAStringThatEndsInAnEscape) {
  for (const auto literal : {R"("\)"sv, R"("\")"sv, R"("\\\")"sv, R"("aaaaaaaaaaaaaaa\)"sv}) {
    EXPECT_FALSE(is_valid(literal)) << literal;
  }
}

TEST(Scanner, AcceptsEscapedLoneSurrogates) {
  for (const auto literal :
       {R"("\ud800")"sv, R"("\udfff")"sv, R"("\udc00\ud800")"sv, R"("\ud800x")"sv}) {
    EXPECT_TRUE(is_valid(literal)) << literal;
  }
}

TEST(Scanner, TellsWhereAStringEndsAndWhetherItHasEscapes) {
  const auto text = R"(["plain","esc\"aped",""])"sv;
  const StringScan plain = scan_string(text, 1);
  EXPECT_EQ(plain.end, 8U);
  EXPECT_FALSE(plain.has_escapes);
  const StringScan escaped = scan_string(text, 9);
  EXPECT_EQ(escaped.end, 20U);
  EXPECT_TRUE(escaped.has_escapes);
  EXPECT_EQ(scan_string(text, 21).end, 23U);
}

TEST(Scanner, StopsAfterTheValueItWasAskedFor) {
  Depth depth;
  EXPECT_EQ(scan_value("[1,2],3", 0, depth), 5U);
  EXPECT_EQ(scan_value("[1,2],3", 1, depth), 2U);
  EXPECT_EQ(scan_value("[1,2],3", 6, depth), 7U);
  EXPECT_EQ(scan_value("01", 0, depth), 1U);
  EXPECT_EQ(scan_value("nullx", 0, depth), 4U);
}

TEST(Scanner, TakesNoWhiteSpaceBeforeTheValue) {
  Depth depth;
  EXPECT_EQ(scan_value(" 1", 0, depth), npos);
  EXPECT_EQ(scan_value("1", 1, depth), npos);
}

TEST(Scanner, FollowsAHundredThousandLevels) {
  constexpr std::size_t kLevels = 100'000;
  EXPECT_TRUE(is_valid(std::string(kLevels, '[') + std::string(kLevels, ']')));
  EXPECT_TRUE(is_valid(repeated("{\"a\":[", kLevels) + "1" + repeated("]}", kLevels)));
  EXPECT_FALSE(is_valid(std::string(kLevels, '[') + std::string(kLevels - 1, ']')));
  EXPECT_FALSE(is_valid(std::string(kLevels, '[') + std::string(kLevels + 1, ']')));
  EXPECT_FALSE(is_valid(std::string(kLevels, '[') + "}" + std::string(kLevels - 1, ']')));
}

TEST(Scanner, MatchesBracketsAcrossWordsOfItsMemory) {
  for (const std::size_t levels : {1U, 63U, 64U, 65U, 127U, 128U, 129U, 200U}) {
    for (std::size_t wrong = 0; wrong < levels; ++wrong) {
      std::string closing(levels, ']');
      EXPECT_TRUE(is_valid(std::string(levels, '[') + closing));
      closing[wrong] = '}';
      EXPECT_FALSE(is_valid(std::string(levels, '[') + closing)) << levels << " " << wrong;
    }
  }
}

TEST(Scanner, ForgetsTheDepthOfAnAbandonedScan) {
  Depth depth;
  EXPECT_EQ(scan_value(std::string(1000, '['), 0, depth), npos);
  EXPECT_EQ(scan_value("{\"a\":1}", 0, depth), 7U);
}

TEST(Scanner, GivesAKeyAndTheStartOfItsValue) {
  const auto text = R"({ "k\"" : 1, "b":2})"sv;
  const KeyScan first = scan_key(text, 1);
  EXPECT_EQ(first.literal, R"("k\"")");
  EXPECT_TRUE(first.has_escapes);
  EXPECT_EQ(first.value, text.find('1'));
  const KeyScan second = scan_key(text, text.find(',') + 1);
  EXPECT_EQ(second.literal, "\"b\"");
  EXPECT_FALSE(second.has_escapes);
  EXPECT_EQ(second.value, text.find('2'));
}

TEST(Scanner, RefusesAKeyWithoutItsColon) {
  for (const auto text :
       {""sv, " "sv, "a"sv, "\"a"sv, "\"a\""sv, "\"a\" "sv, "\"a\",1"sv, "1:1"sv}) {
    EXPECT_EQ(scan_key(text, 0).value, npos) << text;
  }
}

TEST(Scanner, TellsTheKindByTheFirstByte) {
  EXPECT_EQ(kind_of('{'), Kind::object);
  EXPECT_EQ(kind_of('['), Kind::array);
  EXPECT_EQ(kind_of('"'), Kind::string);
  EXPECT_EQ(kind_of('t'), Kind::boolean);
  EXPECT_EQ(kind_of('f'), Kind::boolean);
  EXPECT_EQ(kind_of('n'), Kind::null);
  EXPECT_EQ(kind_of('-'), Kind::number);
  EXPECT_EQ(kind_of('0'), Kind::number);
}

TEST(Unescape, DecodesEveryEscape) {
  EXPECT_EQ(unescaped(R"("")"), "");
  EXPECT_EQ(unescaped(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescaped(R"("\u0041\u00e9\u20AC\u0000.")"), "A\xC3\xA9\xE2\x82\xAC\0."sv);
  EXPECT_EQ(unescaped(R"("\u007f\u0080\u07ff\u0800\uffff")"),
            "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF");
}

TEST(Unescape, KeepsWhatIsNotEscapedWhereverTheEscapesStand) {
  for (std::size_t before = 0; before < 140; ++before) {
    for (std::size_t after = 0; after < 140; after += after < 40 ? 1 : 11) {
      const std::string head(before, 'a');
      const std::string tail(after, 'b');
      EXPECT_EQ(unescaped("\"" + head + R"(\n)" + tail + "\""), head + "\n" + tail);
      EXPECT_EQ(unescaped("\"" + head + R"(\r\n\u00e9)" + tail + R"(\")" + "\""),
                head + "\r\n\xC3\xA9" + tail + "\"");
      EXPECT_EQ(unescaped("\"" + head + R"(\\\\\\\")" + tail + "\""), head + R"(\\\")" + tail);
      EXPECT_EQ(unescaped("\"" + head + "\xE2\x82\xAC" + tail + "\""),
                head + "\xE2\x82\xAC" + tail);
    }
  }
}

TEST(Unescape, JoinsSurrogatePairs) {
  EXPECT_EQ(unescaped(R"("\ud83d\ude00")"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(unescaped(R"("x\uD83D\uDE00\ud800\udc00\udbff\udfffy")"),
            "x\xF0\x9F\x98\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBFy");
}

TEST(Unescape, GivesALoneSurrogateItsThreeByteForm) {
  EXPECT_EQ(unescaped(R"("\ud800")"), "\xED\xA0\x80");
  EXPECT_EQ(unescaped(R"("\udc00\ud800x")"), "\xED\xB0\x80\xED\xA0\x80x");
  EXPECT_EQ(unescaped(R"("\ud800\ud83d\ude00\ude00")"), "\xED\xA0\x80\xF0\x9F\x98\x80\xED\xB8\x80");
}

TEST(Unescape, JoinsHalvesOfWhichOneCameFromAnOuterLiteral) {
  EXPECT_EQ(unescaped("\"\xED\xA0\xBD\\ude00\""), "\xF0\x9F\x98\x80");
  EXPECT_EQ(unescaped("\"\\ud83d\xED\xB8\x80\""), "\xF0\x9F\x98\x80");
}

TEST(Unescape, LeavesNeighboursOfTheSurrogatesAlone) {
  EXPECT_EQ(unescaped("\"\\ud83d\xED\x9F\xBF\\ud7ff\\ue000\\ude00\""),
            "\xED\xA0\xBD\xED\x9F\xBF\xED\x9F\xBF\xEE\x80\x80\xED\xB8\x80");
}

TEST(Unescape, AppendsToWhatIsThere) {
  std::string out = "\xED\xA0\xBD";
  append_unescaped(out, R"("\ude00\n")");
  EXPECT_EQ(out, "\xED\xA0\xBD\xED\xB8\x80\n");
}

TEST(Quote, EscapesAsJsonStringifyDoes) {
  EXPECT_EQ(literal_of(""), R"("")");
  EXPECT_EQ(literal_of("a/b\"c\\d"), R"("a/b\"c\\d")");
  EXPECT_EQ(literal_of("\b\f\n\r\t\0\x01\x0B\x1F"sv), R"("\b\f\n\r\t\u0000\u0001\u000b\u001f")");
  EXPECT_EQ(literal_of("\x7F\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80"),
            "\"\x7F\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"");
}

TEST(Quote, EscapesLoneSurrogatesButNotTheirNeighbours) {
  EXPECT_EQ(literal_of("\xED\xA0\x80x\xED\xBF\xBF"), R"("\ud800x\udfff")");
  EXPECT_EQ(literal_of("\xED\x95\x9C\xEA\xB8\x80"), "\"\xED\x95\x9C\xEA\xB8\x80\"");
}

TEST(Quote, IsUndoneByUnescape) {
  std::string every_byte;
  for (int code = 0; code < 0x80; ++code) every_byte += static_cast<char>(code);
  for (std::size_t shift = 0; shift < 20; ++shift) {
    const std::string text = std::string(shift, 'x') + every_byte + "\xED\xA0\x80\xE2\x82\xAC";
    const std::string literal = literal_of(text);
    EXPECT_TRUE(is_valid(literal));
    EXPECT_EQ(unescaped(literal), text);
  }
}

}  // namespace
}  // namespace crolang::json
