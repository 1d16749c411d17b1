#include "socketio/ack_id.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crolang::socketio {
namespace {

std::string echoed(std::string_view run) {
  const AckIdScan scan = scan_ack_id(run, 0);
  EXPECT_EQ(scan.end, run.size()) << run;
  return std::string(scan.id.text());
}

TEST(AckId, IsAbsentWhereNeitherADigitNorWhiteSpaceIs) {
  for (const std::string_view text : {"", R"(["x"])", "-1", "x1", "\xC3\xA9", "\xC2"}) {
    const AckIdScan scan = scan_ack_id(text, 0);
    EXPECT_FALSE(scan.id.present()) << text;
    EXPECT_EQ(scan.end, 0U) << text;
  }
}

TEST(AckId, EndsBeforeThePayload) {
  const AckIdScan scan = scan_ack_id(R"(2/,17["x"])", 3);
  EXPECT_EQ(scan.id.text(), "17");
  EXPECT_EQ(scan.end, 5U);
}

TEST(AckId, IsEchoedAsItIs) {
  EXPECT_EQ(echoed("0"), "0");
  EXPECT_EQ(echoed("7"), "7");
  EXPECT_EQ(echoed("123456789"), "123456789");
  EXPECT_EQ(echoed("999999999999999"), "999999999999999");
}

TEST(AckId, LosesLeadingZeros) {
  EXPECT_EQ(echoed("007"), "7");
  EXPECT_EQ(echoed("000"), "0");
  EXPECT_EQ(echoed("0000000000000000000012"), "12");
}

TEST(AckId, ReadsWhiteSpaceAsZero) {
  EXPECT_EQ(echoed(" "), "0");
  EXPECT_EQ(echoed("\t\n\v\f\r "), "0");
  EXPECT_EQ(echoed("\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF"), "0");
}

TEST(AckId, IgnoresWhiteSpaceAroundTheDigits) {
  EXPECT_EQ(echoed(" 007\u3000"), "7");
  EXPECT_EQ(echoed("42\n"), "42");
}

TEST(AckId, IsNotANumberWithWhiteSpaceInside) {
  EXPECT_EQ(echoed("1 2"), "NaN");
}

TEST(AckId, IsRoundedAsADouble) {
  EXPECT_EQ(echoed("9007199254740991"), "9007199254740991");
  EXPECT_EQ(echoed("9007199254740993"), "9007199254740992");
  EXPECT_EQ(echoed("1000000000000000"), "1000000000000000");
  EXPECT_EQ(echoed("18446744073709551616"), "18446744073709552000");
  EXPECT_EQ(echoed("123456789012345678901"), "123456789012345680000");
  EXPECT_EQ(echoed("999999999999999868928"), "999999999999999900000");
}

TEST(AckId, HasAnExponentFromTwentyTwoDigitsOn) {
  EXPECT_EQ(echoed("1000000000000000000000"), "1e+21");
  EXPECT_EQ(echoed("9999999999999999999999"), "1e+22");
  EXPECT_EQ(echoed("123456789012345678901234"), "1.2345678901234569e+23");
  EXPECT_EQ(echoed("17976931348623157" + std::string(292, '0')), "1.7976931348623157e+308");
}

TEST(AckId, IsInfinityWhenTooLarge) {
  EXPECT_EQ(echoed("1" + std::string(309, '0')), "Infinity");
  EXPECT_EQ(echoed(std::string(900'000, '9')), "Infinity");
}

TEST(AckId, OutlivesTheTextThatItCameFrom) {
  AckId id;
  {
    const std::string packet = R"(12["x"])";
    id = scan_ack_id(packet, 0).id;
  }
  EXPECT_EQ(id.text(), "12");
}

}  // namespace
}  // namespace crolang::socketio
