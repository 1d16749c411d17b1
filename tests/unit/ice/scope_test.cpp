#include "ice/scope.hpp"

#include <gtest/gtest.h>

namespace crolang::ice {
namespace {

Scope scope(std::string_view text) {
  return scope_of(*client_address::parse_address(text));
}

TEST(IceScope, OfIpv4) {
  EXPECT_EQ(scope("0.0.0.0"), Scope::none);
  EXPECT_EQ(scope("127.0.0.2"), Scope::machine);
  for (const char* each :
       {"10.1.2.3", "172.16.0.1", "172.31.0.1", "192.168.0.1", "100.64.0.1", "169.254.1.1"}) {
    EXPECT_EQ(scope(each), Scope::network) << each;
  }
  for (const char* each : {"9.9.9.9", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1"}) {
    EXPECT_EQ(scope(each), Scope::internet) << each;
  }
}

TEST(IceScope, OfIpv6) {
  EXPECT_EQ(scope("::"), Scope::none);
  EXPECT_EQ(scope("::1"), Scope::machine);
  for (const char* each : {"fe80::1", "febf::1", "fc00::1", "fdff::1"}) {
    EXPECT_EQ(scope(each), Scope::network) << each;
  }
  for (const char* each : {"2001:db8::1", "fec0::1", "::2"}) {
    EXPECT_EQ(scope(each), Scope::internet) << each;
  }
}

}  // namespace
}  // namespace crolang::ice
