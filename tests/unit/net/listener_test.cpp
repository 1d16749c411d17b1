#include "net/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
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

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
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
    EXPECT_EQ(fault(address, kAnyPort), "BIND_ADDRESS=" + address + " is no IPv4 or IPv6 address");
  }
}

TEST(ListenOn, SaysWhichAddressIsNotOfThisMachine) {
  // RFC 5737: an address for documentation, of no machine.
  EXPECT_EQ(fault("192.0.2.1", 8080),
            "192.0.2.1 port 8080 cannot be used: BIND_ADDRESS is no address of this machine");
}

TEST(Descriptor, ClosesWhatItOwns) {
  const int fd = ::dup(0);
  { const Descriptor owner(fd); }

  EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, LeavesWhatItHasReleased) {
  const int fd = ::dup(0);
  {
    Descriptor owner(fd);
    EXPECT_EQ(owner.release(), fd);
    EXPECT_EQ(owner.get(), -1);
  }

  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

TEST(Descriptor, HandsOverWhenItIsMoved) {
  const int fd = ::dup(0);
  Descriptor first(fd);
  Descriptor second(std::move(first));
  EXPECT_EQ(second.get(), fd);

  const int other = ::dup(0);
  second = Descriptor(other);

  EXPECT_EQ(second.get(), other);
  EXPECT_FALSE(is_open(fd));
}

TEST(RaiseFileLimit, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(256, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  const FileLimit limit = raise_file_limit(2);

  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(limit.files, before.rlim_max);
  EXPECT_LT(limit.connections, limit.files);
  EXPECT_GT(limit.connections, 0u);
  EXPECT_LT(limit.connections, limit.sockets);
  EXPECT_LT(limit.sockets, limit.files);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace crolang::net
