#include "config/url.hpp"

#include <gtest/gtest.h>

namespace crolang::config {
namespace {

TEST(Url, AcceptsUrls) {
  for (const char* url :
       {"http://localhost", "https://example.org:8443/a/b?x=1#y", "redis://user:pa@ss@host:6379/0",
        "rediss://:secret@10.0.0.1", "http://[::1]:8080/", "https://host?x", "a+b-c.1://h"})
    EXPECT_TRUE(is_url(url)) << url;
}

TEST(Url, MayHaveSeveralHosts) {
  for (const char* url : {"redis://a:1,b:2", "rediss://user:p,w@a,[::1]:7,c:65535/3?master=m",
                          "redis://a,b", "redis://:pass@a:1,b/0"})
    EXPECT_TRUE(is_url(url)) << url;
  for (const char* url :
       {"redis://a:1,", "redis://,a:1", "redis://a:1,,b:2", "redis://a:1,b:0", "redis://a:1,b:x",
        "redis://a:1,:2", "redis://a,[::1", "redis://[::1]a,b", "redis://a:b,c:1"})
    EXPECT_FALSE(is_url(url)) << url;
}

TEST(Url, NeedsNoHostForAUnixSocket) {
  EXPECT_TRUE(is_url("unix:///run/redis.sock?db=1"));
  EXPECT_TRUE(is_url("unix://user:password@/run/redis.sock"));
  EXPECT_FALSE(is_url("unix://"));
  EXPECT_FALSE(is_url("unix://?db=1"));
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "localhost",
                           "localhost:6379",
                           "http:/host",
                           "http//host",
                           "://host",
                           "1http://host",
                           "http://",
                           "http:///path",
                           "http://host:",
                           "http://host:0",
                           "http://host:65536",
                           "http://host:80a",
                           "http://:80",
                           "http://user@",
                           "http://[::1",
                           "http://[]",
                           "http://[::1]80",
                           "http://a b",
                           "http://a\n",
                           "http://h\xc3\xb6st"})
    EXPECT_FALSE(is_url(text)) << text;
}

TEST(Url, IsShownAsItIsWithoutSecretParts) {
  EXPECT_EQ(masked_url("https://host:8080/path/x"), "https://host:8080/path/x");
}

TEST(Url, IsShownWithoutUserAndPassword) {
  EXPECT_EQ(masked_url("https://user:secret@host/path"), "https://***@host/path");
}

TEST(Url, IsShownWithoutQueryAndFragment) {
  EXPECT_EQ(masked_url("https://host/path?token=secret"), "https://host/path?***");
  EXPECT_EQ(masked_url("https://host/path#secret"), "https://host/path#***");
}

TEST(Url, HidesPasswordsWithOddCharacters) {
  for (const char* url : {"https://user:sec@ret@host", "https://user:sec/ret@host",
                          "https://user:sec?ret@host", "https://user:sec#ret@host"})
    EXPECT_EQ(masked_url(url), "https://***@host");
}

TEST(Url, HidesPasswordsEvenInWhatIsNoUrl) {
  EXPECT_EQ(masked_url("user:secret@host"), "***@host");
  EXPECT_EQ(masked_url("http//user:secret@host"), "***@host");
}

}  // namespace
}  // namespace crolang::config
