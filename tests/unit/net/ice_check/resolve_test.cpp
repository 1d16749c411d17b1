#include "net/ice_check/resolve.hpp"

#include <gtest/gtest.h>

namespace crolang::net {
namespace {

using namespace std::chrono_literals;

std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + 30s;
}

TEST(ResolveServer, TakesAnAddressAsItIs) {
  for (const char* host : {"192.0.2.7", "2001:db8::1"}) {
    const Resolved resolved = resolve(host, {}, -1);
    ASSERT_EQ(resolved.addresses.size(), 1U);
    EXPECT_EQ(client_address::text_of(resolved.addresses[0].address), host);
  }
}

TEST(ResolveServer, AsksTheSystem) {
  const Resolved resolved = resolve("localhost", soon(), -1);
  EXPECT_EQ(resolved.fault, "");
  EXPECT_FALSE(resolved.addresses.empty());
}

TEST(ResolveServer, SaysWhyThereIsNoAddress) {
  const Resolved resolved = resolve("no..name", soon(), -1);
  EXPECT_TRUE(resolved.addresses.empty());
  EXPECT_NE(resolved.fault, "");
}

}  // namespace
}  // namespace crolang::net
