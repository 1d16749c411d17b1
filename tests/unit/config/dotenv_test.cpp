#include "config/dotenv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

auto values(std::string_view text) {
  const DotEnv parsed = parse_dotenv(text);
  EXPECT_THAT(parsed.faults, IsEmpty());
  return parsed.values;
}

auto faults(std::string_view text) {
  return parse_dotenv(text).faults;
}

TEST(DotEnv, ReadsNamesAndValues) {
  EXPECT_THAT(values("PORT=80\nLOG_LEVEL=1"),
              ElementsAre(Pair("PORT", "80"), Pair("LOG_LEVEL", "1")));
}

TEST(DotEnv, IgnoresEmptyLinesAndComments) {
  EXPECT_THAT(values("\n  # a comment\n\t\nA=1\n#B=2\n"), ElementsAre(Pair("A", "1")));
}

TEST(DotEnv, IgnoresBlanksAroundNameAndValue) {
  EXPECT_THAT(values("  A  =  1 2  \n"), ElementsAre(Pair("A", "1 2")));
}

TEST(DotEnv, UnderstandsExport) {
  EXPECT_THAT(values("export A=1\n export\tB=2\nexported=3"),
              ElementsAre(Pair("A", "1"), Pair("B", "2"), Pair("exported", "3")));
}

TEST(DotEnv, KeepsEmptyValues) {
  EXPECT_THAT(values("A=\nB=''\nC=\"\"\nD= # none"),
              ElementsAre(Pair("A", ""), Pair("B", ""), Pair("C", ""), Pair("D", "")));
}

TEST(DotEnv, EndsAnUnquotedValueAtABlankAndAHash) {
  EXPECT_THAT(values("A=1 # one\nB=x#y\nC=\t#z"),
              ElementsAre(Pair("A", "1"), Pair("B", "x#y"), Pair("C", "")));
}

TEST(DotEnv, KeepsEqualsSignsInValues) {
  EXPECT_THAT(values("A=x=y=="), ElementsAre(Pair("A", "x=y==")));
}

TEST(DotEnv, TakesSingleQuotedValuesAsTheyAre) {
  EXPECT_THAT(values(R"(A=' a\n"b" # c ' # comment)"), ElementsAre(Pair("A", R"( a\n"b" # c )")));
}

TEST(DotEnv, UnderstandsEscapesInDoubleQuotes) {
  EXPECT_THAT(values(R"(A="a\nb\rc\"d\\n\x"# comment)"),
              ElementsAre(Pair("A", "a\nb\rc\"d\\n\\x")));
}

TEST(DotEnv, LetsQuotedValuesSpanLines) {
  EXPECT_THAT(values("A='one\n# two\nthree'\nB=\"x\ny\"\n"),
              ElementsAre(Pair("A", "one\n# two\nthree"), Pair("B", "x\ny")));
}

TEST(DotEnv, UnderstandsLinesOfWindowsAndAByteOrderMark) {
  EXPECT_THAT(values("\xEF\xBB\xBF"
                     "A=1\r\nB='2'\r\n"),
              ElementsAre(Pair("A", "1"), Pair("B", "2")));
}

TEST(DotEnv, NamesTheLineThatIsNoAssignment) {
  EXPECT_THAT(faults("A=1\n\nnonsense\nB=2"),
              ElementsAre("line 3 is not NAME=value, as PORT=8080 is"));
}

TEST(DotEnv, NamesTheLineWithoutAProperName) {
  EXPECT_THAT(faults("=1\nA B=2"),
              ElementsAre("line 1 does not begin with a variable's name and =, as PORT=8080 does",
                          "line 2 does not begin with a variable's name and =, as PORT=8080 does"));
}

TEST(DotEnv, SaysOnceThatItIsUtf16) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"\xFF\xFEP\0O\0R\0T\0=\0\x31\0\n\0"sv, "P\0O\0=\0\x31\0"sv}) {
    EXPECT_THAT(faults(text), ElementsAre("is UTF-16, as some editors save it: save it as UTF-8"));
  }
}

TEST(DotEnv, NamesTheLineWithTextAfterTheQuote) {
  EXPECT_THAT(faults("A='1\n'x\n"), ElementsAre("line 1 has text after the closing quote"));
}

TEST(DotEnv, NamesTheLineWithAnOpenQuote) {
  EXPECT_THAT(faults("A=1\nB=\"open\nC=3\n"),
              ElementsAre("line 2 has a quote that is never closed"));
}

TEST(DotEnv, ReadsTheOtherLinesAllTheSame) {
  EXPECT_THAT(parse_dotenv("nonsense\nA=1").values, ElementsAre(Pair("A", "1")));
}

}  // namespace
}  // namespace crolang::config
