#include "admin/host_check.hpp"

#include <gtest/gtest.h>

namespace crolang::admin {
namespace {

TEST(HostCheck, AllowsLoopbackNamesAndIpLiterals) {
  for (const char* host : {"localhost", "LOCALHOST:9000", "127.0.0.1", "127.0.0.1:9000", "[::1]",
                           "[::1]:9000", "192.0.2.7:1", "[2001:db8::1]:65535"}) {
    EXPECT_TRUE(is_allowed_host(host)) << host;
  }
}

TEST(HostCheck, RefusesOtherNamesSinceTheyMayPointAnywhere) {
  for (const char* host :
       {"", ":9000", "example.org", "localhost.example.org", "127.0.0.1.example.org", "localhost.",
        "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:123456", "::1", "::1:9000", "[::1", "::1]",
        "[127.0.0.1]", "[::1]x:1", "user@127.0.0.1", "127.1", "0x7f000001", "2130706433"}) {
    EXPECT_FALSE(is_allowed_host(host)) << host;
  }
}

TEST(HostCheck, AnOriginIsTheSameIfHostAndPortAre) {
  EXPECT_TRUE(is_same_origin("http://127.0.0.1:9000", "127.0.0.1:9000"));
  EXPECT_TRUE(is_same_origin("https://LOCALHOST:9000", "localhost:9000"));
  for (const char* origin : {"", "null", "http://", "http://127.0.0.1:9001", "http://127.0.0.1",
                             "http://localhost:9000", "ftp://127.0.0.1:9000", "127.0.0.1:9000",
                             "http://127.0.0.1:9000/", "http://127.0.0.1:9000.example.org"}) {
    EXPECT_FALSE(is_same_origin(origin, "127.0.0.1:9000")) << origin;
  }
}

TEST(HostCheck, KnowsWhichPageAsks) {
  for (const char* own : {"", "same-origin", "none"}) EXPECT_TRUE(is_same_fetch_site(own)) << own;
  for (const char* other : {"same-site", "cross-site", "Same-Origin", "x"}) {
    EXPECT_FALSE(is_same_fetch_site(other)) << other;
  }
}

}  // namespace
}  // namespace crolang::admin
