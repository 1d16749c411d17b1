#include "net/http/framing.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace crolang::net {
namespace {

TEST(HeaderLines, AreAllButTheRequestLineAndTheEmptyLine) {
  EXPECT_EQ(header_lines("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n"), "Host: a\r\nX: b\r\n");
  EXPECT_EQ(header_lines("GET / HTTP/1.1\r\n\r\n"), "");
}

TEST(WithoutLeadingEmptyLines, DropsNothingElse) {
  EXPECT_EQ(without_leading_empty_lines("\r\n\r\nGET /\r\n\r\n"), "GET /\r\n\r\n");
  EXPECT_EQ(without_leading_empty_lines("\r\n\r"), "\r");
  EXPECT_EQ(without_leading_empty_lines("\nGET"), "\nGET");
  EXPECT_EQ(without_leading_empty_lines(""), "");
}

TEST(ForeignProtocol, IsNoneWhileAMethodMayFollow) {
  for (const std::string_view text :
       {"", "\r", "G", "GET", "GET ", "GET /", "OPTIONS * HTTP/1.1", "M-SEARCH", "PROXY",
        "PROXYX /", "UPDATEREDIRECTREF /", "GET / HTTP/1.1\r\nHost: x\r"}) {
    EXPECT_EQ(foreign_protocol(text), std::nullopt) << text;
  }
}

TEST(ForeignProtocol, IsKnownAsSoonAsNoMethodCanFollow) {
  for (const std::string_view text :
       {" ", "\n", "\r\n", "\rG", "get", "GeT", "GET\t", "\x15\x03\x01", "0", "{\"a\"", "SSH-2.0-x",
        "ABCDEFGHIJKLMNOPQR", "ABCDEFGHIJKLMNOPQRS /", "GET / HTTP/1.1\n",
        "GET / HTTP/1.1\r\nHost: x\nX"}) {
    EXPECT_EQ(foreign_protocol(text), RequestFault::not_http) << text;
  }
}

TEST(ForeignProtocol, MayBeTls) {
  EXPECT_EQ(foreign_protocol("\x16\x03\x01"), RequestFault::tls);
}

TEST(ForeignProtocol, MayBeEitherVersionOfTheProxyProtocol) {
  EXPECT_EQ(foreign_protocol("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n"),
            RequestFault::proxy_protocol);
  constexpr std::string_view kSecond("\r\n\r\n\0\r\nQUIT\n\x21\x11", 14);
  EXPECT_EQ(foreign_protocol(without_leading_empty_lines(kSecond)), RequestFault::proxy_protocol);
}

}  // namespace
}  // namespace crolang::net
