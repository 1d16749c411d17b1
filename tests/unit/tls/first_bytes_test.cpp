#include "tls/first_bytes.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace crolang::tls {
namespace {

using std::string_view_literals::operator""sv;

TEST(FirstBytesTest, TlsIsKnownByTwoBytes) {
  EXPECT_EQ(recognize(""sv), FirstBytes::undecided);
  EXPECT_EQ(recognize("\x16"sv), FirstBytes::undecided);
  EXPECT_EQ(recognize("\x16\x03"sv), FirstBytes::tls);
  EXPECT_EQ(recognize("\x16\x02"sv), FirstBytes::other);
}

TEST(FirstBytesTest, AnHttpMethodIsKnownByTheBlankBehindIt) {
  EXPECT_EQ(recognize("GET"sv), FirstBytes::undecided);
  EXPECT_EQ(recognize("GET "sv), FirstBytes::http);
  EXPECT_EQ(recognize("GETS "sv), FirstBytes::other);
  EXPECT_EQ(recognize("PUT / HTTP/1.1\r\n"sv), FirstBytes::http);
  EXPECT_EQ(recognize("CONNECT "sv), FirstBytes::http);
}

TEST(FirstBytesTest, NothingIsUndecidedForever) {
  for (const std::string_view bytes :
       {"OPTIONSX"sv, "CONNECTX"sv, "\x16\x03\0\0\0\0\0\0"sv, "\0\0\0\0\0\0\0\0"sv}) {
    ASSERT_EQ(bytes.size(), kFirstBytes);
    EXPECT_NE(recognize(bytes), FirstBytes::undecided);
  }
}

}  // namespace
}  // namespace crolang::tls
