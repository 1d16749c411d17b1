#include "config/cleaning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crolang::config {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Clean, LeavesWhatIsCleanAlone) {
  for (const char* value : {"hush", "hush hush", "a\"b", "\"a", "a'", "p\xC3\xA4ss", "a\nb", "a\tb",
                            "x\xE2\x80\x8Dy", "\xFF", "redis://u:p@h/0?x=y"}) {
    const Cleaned cleaned = clean(value);
    EXPECT_EQ(cleaned.text, value);
    EXPECT_THAT(cleaned.note, IsEmpty()) << value;
    EXPECT_THAT(cleaned.fault, IsEmpty()) << value;
  }
  EXPECT_EQ(clean("").text, "");
  EXPECT_EQ(clean("").fault, "");
}

TEST(Clean, TakesWhiteSpaceAndByteOrderMarksOffBothEnds) {
  for (const char* value :
       {"hush\n", "hush\r\n", "hush\r", " hush ", "\thush\v\f", "\xEF\xBB\xBFhush",
        "\xEF\xBB\xBF hush\n", " \xEF\xBB\xBFhush", "hush\xEF\xBB\xBF\n"}) {
    const Cleaned cleaned = clean(value);
    EXPECT_EQ(cleaned.text, "hush");
    EXPECT_EQ(cleaned.note, "");
    EXPECT_EQ(cleaned.fault, "");
  }
}

TEST(Clean, TakesOnePairOfQuotesOffAndSaysSo) {
  for (const char* value : {"\"hush\"", "'hush'", "`hush`", "\"hush\"\r\n", "\" hush \"",
                            "\xE2\x80\x9Chush\xE2\x80\x9D", "\xEF\xBB\xBF\"hush\""}) {
    const Cleaned cleaned = clean(value);
    EXPECT_EQ(cleaned.text, "hush");
    EXPECT_THAT(cleaned.note, HasSubstr("quotes")) << value;
    EXPECT_EQ(cleaned.fault, "");
  }
  EXPECT_EQ(clean("\"\"hush\"\"").text, "\"hush\"");
  EXPECT_EQ(clean("\"'hush'\"").text, "'hush'");
}

TEST(Clean, LeavesQuotesThatAreNoPair) {
  for (const char* value : {"\"hush'", "\"hush", "hush\"", "\"", "'"}) {
    EXPECT_EQ(clean(value).text, value);
    EXPECT_EQ(clean(value).note, "");
  }
}

TEST(Clean, RefusesWhatHoldsNothing) {
  for (const char* value : {" ", "\r\n", "\"\"", "'  '", "\xEF\xBB\xBF"})
    EXPECT_EQ(clean(value).fault, "consists only of blanks or quotes");
}

TEST(Clean, RefusesUtf16) {
  EXPECT_THAT(clean("\xFF\xFEh\0u\0"s).fault, HasSubstr("UTF-16"));
  EXPECT_THAT(clean("\xFE\xFF\0h\0u"s).fault, HasSubstr("UTF-16"));
  EXPECT_THAT(clean("h\0u\0s\0h\0"s).fault, HasSubstr("UTF-16"));
}

TEST(Clean, RefusesControlCharacters) {
  for (const std::string& value : {"hu\x01sh"s, "hush\x1b"s, "\x7fhush"s, "hush\x03\n"s}) {
    EXPECT_THAT(clean(value).fault, HasSubstr("control character"));
    EXPECT_EQ(clean(value).text, "");
  }
}

TEST(Clean, RefusesBlanksAtTheEndsThatCannotBeSeen) {
  EXPECT_EQ(clean("hush\xC2\xA0").fault,
            "ends with a no-break space (U+00A0), which is invisible: remove it");
  EXPECT_EQ(clean("\xE2\x80\x8Bhush").fault,
            "begins with a zero-width space (U+200B), which is invisible: remove it");
  EXPECT_THAT(clean("hush\xE3\x80\x80\n").fault, HasSubstr("U+3000"));
  EXPECT_THAT(clean("\"\xE2\x81\xA0hush\"").fault, HasSubstr("U+2060"));
}

}  // namespace
}  // namespace crolang::config
