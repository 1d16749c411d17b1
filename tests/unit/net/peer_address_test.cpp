#include "net/peer_address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace crolang::net {
namespace {

sockaddr_storage v6(const char* text) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in6&>(storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(4711);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  return storage;
}

sockaddr_storage v4(const char* text) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in&>(storage);
  address.sin_family = AF_INET;
  address.sin_port = htons(4711);
  EXPECT_EQ(::inet_pton(AF_INET, text, &address.sin_addr), 1);
  return storage;
}

TEST(PeerAddress, TellsAddressesApart) {
  EXPECT_NE(peer_address(v6("2001:db8::1")), peer_address(v6("2001:db8::2")));
  EXPECT_NE(peer_address(v4("192.0.2.1")), peer_address(v4("192.0.2.2")));
}

TEST(PeerAddress, IsTheSameFromEveryPort) {
  sockaddr_storage other = v6("2001:db8::1");
  reinterpret_cast<sockaddr_in6&>(other).sin6_port = htons(1);

  EXPECT_EQ(peer_address(v6("2001:db8::1")), peer_address(other));
}

TEST(PeerAddress, IsTheSameByEitherListener) {
  EXPECT_EQ(peer_address(v4("192.0.2.1")), peer_address(v6("::ffff:192.0.2.1")));
}

TEST(PeerAddress, IsUnknownForAnotherFamily) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;

  EXPECT_EQ(peer_address(storage), PeerAddress{});
}

TEST(PeerAddress, IsShownWithoutItsPort) {
  EXPECT_EQ(text_of(peer_address(v4("192.0.2.7"))), "192.0.2.7");
  EXPECT_EQ(text_of(peer_address(v6("2001:db8::1"))), "2001:db8::1");
}

}  // namespace
}  // namespace crolang::net
