#include "crolang/url.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace crolang::url {
namespace {

TEST(UrlParts, BeginWithASchemeIfThereIsOne) {
  const auto scheme = split_scheme("redis://host/://");
  ASSERT_TRUE(scheme);
  EXPECT_EQ(scheme->name, "redis");
  EXPECT_EQ(scheme->rest, "host/://");
  for (const char* text : {"", "host", "host:1", "http:/host", "http//host"}) {
    EXPECT_FALSE(split_scheme(text)) << text;
  }
}

TEST(UrlParts, HaveSchemesAsTheRfcSays) {
  for (const char* name : {"http", "HTTP", "a", "a+b-c.1"}) EXPECT_TRUE(is_scheme(name)) << name;
  for (const char* name : {"", "1a", "+a", "a b", "a_b", "\xc3\xa4"}) {
    EXPECT_FALSE(is_scheme(name)) << name;
  }
}

TEST(UrlParts, ArePrintableAscii) {
  EXPECT_TRUE(is_printable("http://[::1]/{a}?b=\"c\"#~"));
  for (const char* text : {"a b", "a\n", "\x7f", "h\xc3\xb6st"}) {
    EXPECT_FALSE(is_printable(text)) << text;
  }
}

TEST(UrlParts, EndTheAuthorityWherePathQueryOrFragmentBegin) {
  EXPECT_EQ(authority_size("host:1"), 6u);
  for (const char* text : {"host:1/a?b", "host:1?a/b", "host:1#a/b"}) {
    EXPECT_EQ(authority_size(text), 6u) << text;
  }
  EXPECT_EQ(authority_size("a/b@c/d", 3), 5u);
}

TEST(UrlParts, CutTheAuthority) {
  const auto all = split_authority("user:pa@ss@host:6379");
  EXPECT_EQ(all.userinfo, "user:pa@ss");
  EXPECT_EQ(all.host, "host");
  EXPECT_EQ(all.brackets, Brackets::none);
  EXPECT_EQ(all.behind, ":6379");

  const auto host = split_authority("host");
  EXPECT_EQ(host.userinfo, std::nullopt);
  EXPECT_EQ(host.host, "host");
  EXPECT_EQ(host.behind, "");

  EXPECT_EQ(split_authority("@host").userinfo, "");
  EXPECT_EQ(split_authority("user@").host, "");
  EXPECT_EQ(split_authority(":80").behind, ":80");
}

TEST(UrlParts, TakeBracketsOffAnIpv6Address) {
  const auto address = split_authority("a@[fe80::1%eth0]:81");
  EXPECT_EQ(address.userinfo, "a");
  EXPECT_EQ(address.host, "fe80::1%eth0");
  EXPECT_EQ(address.brackets, Brackets::closed);
  EXPECT_EQ(address.behind, ":81");
  EXPECT_EQ(split_authority("[::1]80").behind, "80");
  EXPECT_EQ(split_authority("[]").host, "");

  const auto unclosed = split_authority("[::1");
  EXPECT_EQ(unclosed.brackets, Brackets::unclosed);
  EXPECT_EQ(unclosed.host, "");
}

TEST(UrlParts, HavePortsFrom1To65535) {
  EXPECT_EQ(read_port(":1"), 1);
  EXPECT_EQ(read_port(":65535"), 65535);
  for (const char* text : {"", ":", "80", ":0", ":65536", ":-1", ":+1", ":80a", ": 80", "::1"}) {
    EXPECT_EQ(read_port(text), std::nullopt) << text;
  }
}

std::string decoded(std::string_view text, Plus plus = Plus::is_itself) {
  std::string out = ">";
  EXPECT_TRUE(append_decoded(out, text, plus)) << text;
  return out.substr(1);
}

TEST(PercentDecoding, TakesDigitsInAnyCase) {
  EXPECT_EQ(decoded("%41%c3%A4%25"), "A\xC3\xA4%");
  EXPECT_EQ(decoded("a%00b"), std::string("a\0b", 3));
}

TEST(PercentDecoding, MakesBlanksOfPlusSignsInFormsOnly) {
  EXPECT_EQ(decoded("a+b%2B"), "a+b+");
  EXPECT_EQ(decoded("a+b%2B", Plus::is_blank), "a b+");
}

TEST(PercentDecoding, TellsOfBrokenSequencesAndKeepsThem) {
  for (const std::string_view text : {"%", "%4", "%zz", "%4z", "%z4", "100%", "%%", "% 1"}) {
    std::string out;
    EXPECT_FALSE(append_decoded(out, text, Plus::is_itself)) << text;
    EXPECT_EQ(out, text);
  }
  std::string out;
  EXPECT_FALSE(append_decoded(out, "%%41", Plus::is_itself));
  EXPECT_EQ(out, "%A");
}

}  // namespace
}  // namespace crolang::url
