#include "net/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace crolang::net {
namespace {

constexpr std::uint16_t kAnyPort = 0;

Descriptor listen(const std::string& address, std::uint16_t port) {
  auto result = listen_on(address, port);
  if (auto* listener = std::get_if<Descriptor>(&result)) return std::move(*listener);
  ADD_FAILURE() << std::get<ListenFault>(result).text;
  return Descriptor();
}

std::string fault(const std::string& address, std::uint16_t port) {
  const auto result = listen_on(address, port);
  const auto* found = std::get_if<ListenFault>(&result);
  return found == nullptr ? "none" : found->text;
}

std::uint16_t port_of(const Descriptor& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

bool connects(const char* address, std::uint16_t port) {
  const Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

int option(const Descriptor& listener, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(listener.get(), level, name, &value, &size);
  return value;
}

TEST(ListenOn, ServesIpv4ByDefault) {
  const Descriptor listener = listen("", kAnyPort);

  EXPECT_TRUE(connects("127.0.0.1", port_of(listener)));
}

TEST(ListenOn, ServesASingleAddress) {
  const Descriptor listener = listen("127.0.0.1", kAnyPort);

  EXPECT_TRUE(connects("127.0.0.1", port_of(listener)));
  EXPECT_FALSE(connects("127.0.0.2", port_of(listener)));
}

TEST(ListenOn, MakesASocketThatNeitherBlocksNorIsInheritedNorHoldsMessagesBack) {
  const Descriptor listener = listen("127.0.0.1", kAnyPort);

  EXPECT_NE(::fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(option(listener, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(ListenOn, SaysWhatToDoAboutAPortThatIsTaken) {
  const Descriptor first = listen("127.0.0.1", kAnyPort);
  const std::uint16_t port = port_of(first);

  EXPECT_EQ(fault("127.0.0.1", port),
            "127.0.0.1 port " + std::to_string(port) +
                " is already in use: stop the other program, or choose another port with PORT");
}

TEST(ListenOn, SaysSoForTheDefaultAddressToo) {
  const Descriptor first = listen("", kAnyPort);
  const std::uint16_t port = port_of(first);

  EXPECT_EQ(fault("", port),
            "port " + std::to_string(port) +
                " is already in use: stop the other program, or choose another port with PORT");
}

TEST(ListenOn, NamesTheVariableThatHasSetThePort) {
  const Descriptor first = listen("127.0.0.1", kAnyPort);

  const auto result = listen_on("127.0.0.1", port_of(first), "PLAIN_PORT");

  ASSERT_TRUE(std::holds_alternative<ListenFault>(result));
  EXPECT_THAT(std::get<ListenFault>(result).text,
              ::testing::EndsWith("choose another port with PLAIN_PORT"));
}

TEST(ListenOn, TakesAPortAgainAsSoonAsItIsFree) {
  Descriptor first = listen("127.0.0.1", kAnyPort);
  const std::uint16_t port = port_of(first);
  EXPECT_TRUE(connects("127.0.0.1", port));
  first.reset();

  EXPECT_EQ(fault("127.0.0.1", port), "none");
}

TEST(ListenOn, SaysWhatIsNoAddress) {
  for (const std::string& address :
       {std::string("localhost"), std::string("1.2.3"), std::string("1.2.3.4.5"),
        std::string("127.0.0.1:80"), std::string("[::1]"), std::string(" ")}) {
    EXPECT_EQ(fault(address, kAnyPort),
              "BIND_ADDRESS=" + address + " is not an IPv4 or IPv6 address");
  }
}

TEST(ListenOn, SaysWhichAddressIsNotOfThisMachine) {
  // RFC 5737: an address for documentation, of no machine.
  EXPECT_EQ(fault("192.0.2.1", 8080),
            "192.0.2.1 port 8080 cannot be used: BIND_ADDRESS is not an address of this machine");
}

}  // namespace
}  // namespace crolang::net
