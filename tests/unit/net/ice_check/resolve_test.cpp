#include "net/ice_check/resolve.hpp"

#include <gtest/gtest.h>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;

TEST(ResolveServer, TakesAnAddressAsItIs) {
  for (const char* host : {"192.0.2.7", "2001:db8::1"}) {
    const Resolved resolved = resolve(host, 3478, 0ms);
    ASSERT_EQ(resolved.addresses.size(), 1U);
    EXPECT_EQ(client_address::text_of(resolved.addresses[0].address), host);
    EXPECT_EQ(resolved.addresses[0].port, 3478);
  }
}

TEST(ResolveServer, AsksTheSystem) {
  const Resolved resolved = resolve("localhost", 5349, 30s);
  EXPECT_EQ(resolved.fault, "");
  ASSERT_FALSE(resolved.addresses.empty());
  for (const stun::TransportAddress& each : resolved.addresses) EXPECT_EQ(each.port, 5349);
}

TEST(ResolveServer, SaysWhyThereIsNoAddress) {
  const Resolved resolved = resolve("no..name", 3478, 30s);
  EXPECT_TRUE(resolved.addresses.empty());
  EXPECT_NE(resolved.fault, "");
}

}  // namespace
}  // namespace crolang::net
