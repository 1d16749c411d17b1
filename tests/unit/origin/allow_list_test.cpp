#include "origin/allow_list.hpp"

#include <gtest/gtest.h>

namespace crolang::origin {
namespace {

AllowList allowing(std::string_view list) {
  EXPECT_EQ(fault_in(list), "") << list;
  return AllowList(list);
}

TEST(AllowList, AllowsExactlyTheOriginsThatItNames) {
  const AllowList list = allowing("https://app.example.org, http://localhost:3000");
  EXPECT_TRUE(list.allows("https://app.example.org"));
  EXPECT_TRUE(list.allows("http://localhost:3000"));
  for (const char* other :
       {"http://app.example.org", "https://app.example.org:8443", "https://app.example.org/",
        "https://app.example.org.", "https://app.example.orgs", "https://xapp.example.org",
        "https://evil.example/https://app.example.org", "http://localhost", "null", "", "*"}) {
    EXPECT_FALSE(list.allows(other)) << other;
  }
}

TEST(AllowList, AllowsAllNamesBelowADomain) {
  const AllowList list = allowing("https://*.example.org");
  EXPECT_TRUE(list.allows("https://app.example.org"));
  EXPECT_TRUE(list.allows("https://a.b.example.org"));
  for (const char* other :
       {"https://example.org", "https://.example.org", "https://evilexample.org",
        "http://app.example.org", "https://app.example.org:8443", "https://app.example.org.evil",
        "https://evil.net/.example.org", "https://evil.net?.example.org",
        "https://evil.net#.example.org", "https://user@.example.org", "https://a..example.org",
        "https://A.example.org"}) {
    EXPECT_FALSE(list.allows(other)) << other;
  }
}

TEST(AllowList, KeepsThePortOfAWildcard) {
  const AllowList list = allowing("http://*.example.org:8080");
  EXPECT_TRUE(list.allows("http://a.example.org:8080"));
  EXPECT_FALSE(list.allows("http://a.example.org"));
  EXPECT_FALSE(list.allows("http://a.example.org:80808080"));
}

TEST(AllowList, TakesOriginsOfAnyScheme) {
  const AllowList list = allowing(
      "chrome-extension://abcdefghijklmnop capacitor://localhost http://[::1]:3000\n"
      "http://127.0.0.1:8080");
  EXPECT_TRUE(list.allows("chrome-extension://abcdefghijklmnop"));
  EXPECT_TRUE(list.allows("capacitor://localhost"));
  EXPECT_TRUE(list.allows("http://[::1]:3000"));
  EXPECT_TRUE(list.allows("http://127.0.0.1:8080"));
}

TEST(AllowList, AllowsNothingIfItIsEmpty) {
  EXPECT_FALSE(AllowList().allows("https://app.example.org"));
  EXPECT_FALSE(AllowList().allows(""));
}

TEST(FaultInOrigins, SaysWhatToWriteInstead) {
  EXPECT_EQ(fault_in("https://a.example/"),
            "write https://a.example: an origin has no slash at its end");
  EXPECT_EQ(fault_in("https://a.example:8443/app?x=1"),
            "write https://a.example:8443: an origin has no path");
  EXPECT_EQ(fault_in("https://a.example?x"), "write https://a.example: an origin has no path");
  EXPECT_EQ(fault_in("a.example"), "write https://a.example: an origin begins with its scheme");
  EXPECT_EQ(fault_in("*"), "leave it out: every origin is admitted without it");
  EXPECT_EQ(fault_in("https://*"), "leave it out: every origin is admitted without it");
  EXPECT_EQ(fault_in("https://A.Example"),
            "write https://a.example: browsers send origins in lower case");
  EXPECT_EQ(fault_in("wss://a.example"), "write https://a.example: the origin is that of the page");
  EXPECT_EQ(fault_in("ws://a.example"), "write http://a.example: the origin is that of the page");
  EXPECT_EQ(fault_in("https://a.example:443"),
            "write https://a.example: browsers leave out the default port");
  EXPECT_EQ(fault_in("http://a.example:80"),
            "write http://a.example: browsers leave out the default port");
  EXPECT_EQ(fault_in("https://me@a.example"), "write https://a.example: an origin has no user");
}

TEST(FaultInOrigins, SaysWhichEntryIsMeant) {
  EXPECT_EQ(fault_in("https://a.example,https://*x.example"),
            "'https://*x.example': a * stands for whole labels at the beginning of the host, as in "
            "https://*.example.org");
  EXPECT_EQ(fault_in("https://a.*.example"),
            "'https://a.*.example': a * stands for whole labels at the beginning of the host, as "
            "in https://*.example.org");
  EXPECT_EQ(fault_in("https://a.example:x"),
            "'https://a.example:x' has no port from 1 to 65535 behind its colon");
  EXPECT_EQ(fault_in("https://a.example:0"),
            "'https://a.example:0' has no port from 1 to 65535 behind its colon");
  EXPECT_EQ(fault_in("https://b\xc3\xbc"
                     "cher.example"),
            "'https://b\xc3\xbc"
            "cher.example': write the host as browsers send it, xn--…");
  EXPECT_EQ(fault_in("https:///"), "'https:///' has no host");
  EXPECT_EQ(fault_in("1x://a"), "'1x://a' has no valid scheme");
  EXPECT_EQ(fault_in("https://a..b"), "'https://a..b' has no valid host");
  EXPECT_EQ(fault_in("https://*.[::1]"), "'https://*.[::1]' has no valid host");
  EXPECT_EQ(fault_in("null"), "null is sent by any page in a sandboxed frame, so it names no page");
  EXPECT_EQ(fault_in(" ,, "), "it names no origin");
  EXPECT_EQ(fault_in(""), "it names no origin");
}

}  // namespace
}  // namespace crolang::origin
