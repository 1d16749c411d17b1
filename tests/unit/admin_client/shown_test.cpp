#include "admin_client/shown.hpp"

#include <gtest/gtest.h>

namespace crolang::admin_client {
namespace {

using namespace std::chrono_literals;

TEST(Shown, LeavesPrintableTextAsItIs) {
  for (const char* text : {"", "alice", "Zoë", "日本", "👋", "a b"}) EXPECT_EQ(shown(text), text);
}

TEST(Shown, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(shown("a\x1b[31m\r\n\t\x7f"), "a\\x1b[31m\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(shown(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(shown("\xC2\x9B"
                  "31m"),
            "\\u{9b}31m");
}

TEST(Shown, EscapesWhatMisleadsReaders) {
  EXPECT_EQ(shown("a\xE2\x80\xAE"
                  "b"),
            "a\\u{202e}b")
      << "right to left";
  EXPECT_EQ(shown("a\xE2\x80\x8B"), "a\\u{200b}") << "no width";
  EXPECT_EQ(shown("\\x1b"), "\\\\x1b");
}

TEST(Shown, EscapesInvalidUtf8) {
  EXPECT_EQ(shown("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(shown("\xC0\x80"), "\\xc0\\x80") << "overlong";
  EXPECT_EQ(shown("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(shown("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
}

TEST(Shown, ReadsTimes) {
  const auto time = parse_time("2026-01-02T03:04:05.678Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->time_since_epoch(), 1'767'323'045'678ms);
  for (const char* other : {"", "2026-01-02T03:04:05Z", "2026-13-02T03:04:05.678Z",
                            "2026-01-02 03:04:05.678Z", "2026-01-02T03:04:05.678+"}) {
    EXPECT_FALSE(parse_time(other)) << other;
  }
}

TEST(Shown, RoundsAgesDown) {
  EXPECT_EQ(age(-5s), "0 s");
  EXPECT_EQ(age(59'999ms), "59 s");
  EXPECT_EQ(age(60s), "1 min");
  EXPECT_EQ(age(90min), "1 h");
  EXPECT_EQ(age(47h), "47 h");
  EXPECT_EQ(age(49h), "2 d");
}

TEST(Shown, CountsBytesInPowersOf1024) {
  EXPECT_EQ(size(0), "0");
  EXPECT_EQ(size(1023), "1023");
  EXPECT_EQ(size(1536), "1.5k");
  EXPECT_EQ(size(23 << 20), "23M");
  EXPECT_EQ(size(UINT64_MAX), "16384P");
}

TEST(Shown, HasADigitAfterThePointOfSmallNumbers) {
  EXPECT_EQ(number(0.42), "0.4");
  EXPECT_EQ(number(9.949), "9.9");
  EXPECT_EQ(number(9.96), "10");
}

}  // namespace
}  // namespace crolang::admin_client
