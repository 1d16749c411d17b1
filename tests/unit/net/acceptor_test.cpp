#include "net/acceptor.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace crolang::net {
namespace {

using BeginsWith = AcceptedSocket::BeginsWith;

sockaddr_in address_of(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, text, &address.sin_addr), 1);
  return address;
}

class AcceptorTest : public ::testing::Test {
 protected:
  AcceptorTest() {
    address_ = address_of("127.0.0.1");
    EXPECT_EQ(::bind(listener_.get(), as_any(address_), sizeof address_), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::getsockname(listener_.get(), as_any(address_), &size), 0);
  }

  static sockaddr* as_any(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

  /// Accepts a connection from this address.
  AcceptedSocket accept_from(const char* address) {
    Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in from = address_of(address);
    EXPECT_EQ(::bind(client.get(), as_any(from), sizeof from), 0);
    EXPECT_EQ(::connect(client.get(), as_any(address_), sizeof address_), 0);
    clients_.push_back(std::move(client));
    pollfd waiting{listener_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, -1), 1);
    auto [accepted, error] = acceptor_.accept();
    EXPECT_EQ(error, 0);
    EXPECT_GE(accepted.socket.get(), 0);
    return std::move(accepted);
  }

  client_address::Policy policy_;
  Descriptor listener_{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
  Descriptor epoll_{::epoll_create1(0)};
  sockaddr_in address_{};
  Acceptor acceptor_{listener_.get(), ListenerIndex::plain, policy_, epoll_.get(), 1};
  std::vector<Descriptor> clients_;
};

TEST_F(AcceptorTest, KnowsWhereAConnectionComesFrom) {
  EXPECT_EQ(text_of(accept_from("127.0.0.1").peer), "127.0.0.1");
  EXPECT_EQ(text_of(accept_from("127.0.0.2").peer), "127.0.0.2");
}

TEST_F(AcceptorTest, HasNothingWhileNobodyConnects) {
  const auto [accepted, error] = acceptor_.accept();

  EXPECT_LT(accepted.socket.get(), 0);
  EXPECT_EQ(error, 0);
}

TEST_F(AcceptorTest, ExpectsAProxyHeaderFromTrustedProxiesOnlyAndOnlyIfItIsRequired) {
  policy_.trusted_proxies =
      std::get<client_address::AddressSet>(client_address::parse_address_set("127.0.0.2"));
  EXPECT_EQ(accept_from("127.0.0.2").begins_with, BeginsWith::request);

  policy_.proxy_protocol = client_address::ProxyProtocol::required;
  EXPECT_EQ(accept_from("127.0.0.2").begins_with, BeginsWith::proxy_header);
  EXPECT_EQ(accept_from("127.0.0.1").begins_with, BeginsWith::request);
}

}  // namespace
}  // namespace crolang::net
