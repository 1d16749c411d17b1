#include "webhook-common/url.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace crolang::webhook_common {
namespace {

Url read(const std::string& text) {
  return read_url("HOOK_URL", text);
}

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Url, HasSchemeHostPortAndTarget) {
  const Url url = read("https://hooks.example.org:8443/a/b?c=d&e");
  EXPECT_EQ(url.scheme, Url::Scheme::https);
  EXPECT_EQ(url.host, "hooks.example.org");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.authority, "hooks.example.org:8443");
  EXPECT_EQ(url.target, "/a/b?c=d&e");
  EXPECT_EQ(url.authorization, "");
}

TEST(Url, TakesThePortOfItsScheme) {
  EXPECT_EQ(read("http://a/").port, 80);
  EXPECT_EQ(read("https://a/").port, 443);
  EXPECT_EQ(read("http://a/").authority, "a");
  EXPECT_EQ(read("https://a:443/").authority, "a");
  EXPECT_EQ(read("https://a:80/").authority, "a:80");
}

TEST(Url, AsksForTheRootWithoutAPath) {
  EXPECT_EQ(read("http://a").target, "/");
  EXPECT_EQ(read("http://a?b=c").target, "/?b=c");
  EXPECT_EQ(read("http://a#b").target, "/");
}

TEST(Url, KeepsItsFragment) {
  EXPECT_EQ(read("http://a/b?c#d").target, "/b?c");
}

TEST(Url, HasSchemeAndHostInAnyCase) {
  const Url url = read("HTTPS://Hooks.Example.ORG/Path");
  EXPECT_EQ(url.scheme, Url::Scheme::https);
  EXPECT_EQ(url.host, "hooks.example.org");
  EXPECT_EQ(url.target, "/Path");
}

TEST(Url, TakesIpv6AddressesInBrackets) {
  const Url url = read("http://[2001:DB8::1]:81/");
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.port, 81);
  EXPECT_EQ(url.authority, "[2001:db8::1]:81");
  EXPECT_EQ(read("https://[::1]").authority, "[::1]");
}

TEST(Url, MakesBasicCredentialsOfUserAndPassword) {
  // RFC 7617 2
  EXPECT_EQ(read("http://Aladdin:open%20sesame@a/").authorization,
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(read("http://user@a/").authorization, "Basic dXNlcjo=");
  EXPECT_EQ(read("http://u:p@ss:x%3a%zz@a/").authorization, "Basic dTpwQHNzOng6JXp6");
  EXPECT_EQ(read("http://u:p@ss:x%3a%zz@a/").host, "a");
}

TEST(Url, IsRefusedWithAnotherScheme) {
  EXPECT_EQ(refusal("ftp://a/"), "HOOK_URL: the scheme 'ftp' is not supported; use http or https");
  EXPECT_EQ(refusal("http+unix://a/"),
            "HOOK_URL: the scheme 'http+unix' is not supported; use http or https");
  EXPECT_EQ(refusal("example.org/hook"), "HOOK_URL: is not a URL such as https://host:port/path");
  EXPECT_EQ(refusal(""), "HOOK_URL: is not a URL such as https://host:port/path");
}

TEST(Url, IsRefusedWithoutAHost) {
  EXPECT_EQ(refusal("http:///path"), "HOOK_URL: the host is missing");
  EXPECT_EQ(refusal("http://:80/"), "HOOK_URL: the host is missing");
  EXPECT_EQ(refusal("http://user@/"), "HOOK_URL: the host is missing");
  EXPECT_EQ(refusal("http://[]/"), "HOOK_URL: the host is missing");
  EXPECT_EQ(refusal("http://[::1/"), "HOOK_URL: the host's bracket is not closed");
}

TEST(Url, HasOneHostOnly) {
  EXPECT_EQ(refusal("http://a:80,b:80/"), "HOOK_URL: only one host is allowed");
  EXPECT_EQ(refusal("http://a,b/"), "HOOK_URL: only one host is allowed");
  EXPECT_EQ(refusal("http://u:p,w@a/x,y"), "accepted");
}

TEST(Url, IsRefusedWithAPortThatIsNone) {
  for (const char* port : {"", "0", "65536", "-1", "80x", "x"}) {
    EXPECT_EQ(refusal(std::string("http://a:") + port + "/"),
              "HOOK_URL: the port is not a number from 1 to 65535")
        << port;
  }
  EXPECT_EQ(refusal("http://[::1]80/"), "HOOK_URL: the port is not a number from 1 to 65535");
}

TEST(Url, IsRefusedWithWhatWouldBreakTheRequestLine) {
  for (const char* text :
       {"http://a/b c", "http://a/\r\nX: y", "http://a/\x7f", "http://a/\xc3\xa9", "http://a\t/"}) {
    EXPECT_EQ(refusal(text), "HOOK_URL: has blanks, control characters or non-ASCII characters");
  }
}

TEST(Url, ShowsNothingOfItselfInARefusal) {
  for (const char* text :
       {"http://hush:hush@/", "http://hush:hush@a:0/?hush", "http://hush@a/ hush"}) {
    EXPECT_EQ(refusal(text).find("hush"), std::string::npos);
  }
}

}  // namespace
}  // namespace crolang::webhook_common
