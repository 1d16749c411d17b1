#include "net/ice_check/socket_address.hpp"

#include <gtest/gtest.h>
#include <sys/un.h>

namespace crolang::net {
namespace {

TEST(SocketAddressOfServer, IsReadAsItWasMade) {
  for (const char* text : {"192.0.2.7", "127.0.0.1", "2001:db8::7", "::1"}) {
    const stun::TransportAddress address{*client_address::parse_address(text), 3478};
    const SocketAddress made = socket_address(address);
    EXPECT_EQ(transport_address(*made.get()), address) << text;
  }
}

TEST(SocketAddressOfServer, HasTheFamilyOfItsAddress) {
  EXPECT_EQ(socket_address({*client_address::parse_address("192.0.2.7"), 1}).bytes.ss_family,
            AF_INET);
  EXPECT_EQ(socket_address({*client_address::parse_address("::1"), 1}).bytes.ss_family, AF_INET6);
}

TEST(SocketAddressOfServer, IsNoneOfAnotherFamily) {
  const sockaddr other{AF_UNIX, {}};
  EXPECT_FALSE(transport_address(other));
}

}  // namespace
}  // namespace crolang::net
