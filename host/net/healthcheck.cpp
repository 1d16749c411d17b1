#include "net/healthcheck.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string_view>

#include "client_address/proxy_header.hpp"
#include "net/accepted_socket.hpp"
#include "net/healthcheck_connection.hpp"

namespace crolang::net {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kQuestion =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  std::string text;  ///< with the port
};

Address address_of(const std::string& bind_address, std::uint16_t port) {
  Address address;
  in6_addr host6{};
  // A broker on a wildcard address listens on IPv4 as well, and is asked there.
  if (::inet_pton(AF_INET6, bind_address.c_str(), &host6) == 1 &&
      !IN6_IS_ADDR_UNSPECIFIED(&host6)) {
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(address.bytes);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_addr = host6;
    ipv6.sin6_port = htons(port);
    address.size = sizeof ipv6;
    address.text = "[" + bind_address + "]:" + std::to_string(port);
    return address;
  }
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(address.bytes);
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(port);
  if (::inet_pton(AF_INET, bind_address.c_str(), &ipv4.sin_addr) != 1 ||
      ipv4.sin_addr.s_addr == INADDR_ANY) {
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  std::array<char, INET_ADDRSTRLEN> host{};
  ::inet_ntop(AF_INET, &ipv4.sin_addr, host.data(), host.size());
  address.size = sizeof ipv4;
  address.text = std::string(host.data()) + ":" + std::to_string(port);
  return address;
}

}  // namespace

Health ask_health(const HealthTarget& target, std::chrono::milliseconds timeout) {
  const Address broker = address_of(target.bind_address, target.port);
  const auto unhealthy = [&](const std::string& what, const std::string& why) {
    return Health{Health::State::unhealthy, what + " from " + broker.text + why};
  };
  HealthcheckConnection connection(HealthcheckConnection::Clock::now() + timeout);
  std::string text;
  const auto ask = [&] {
    const bool needs_header = begins_with(target.clients, connection.own_address()) ==
                              AcceptedSocket::BeginsWith::proxy_header;
    return connection.send(needs_header ? client_address::kLocalProxyHeader : "") &&
           (target.security == HealthTarget::Security::plain || connection.start_tls()) &&
           connection.send(kQuestion);
  };
  if (!connection.connect(reinterpret_cast<const sockaddr*>(&broker.bytes), broker.size) ||
      !ask() || !connection.receive(text)) {
    return unhealthy("no answer", ": " + connection.why());
  }
  http::response_parser<http::string_body> answer;
  answer.eager(true);
  boost::beast::error_code fault;
  answer.put(boost::asio::buffer(text), fault);
  if (!fault && !answer.is_done()) answer.put_eof(fault);
  if (fault) return unhealthy("no answer", ": " + fault.message());
  if (answer.get().result() != http::status::ok) {
    return unhealthy("status " + std::to_string(answer.get().result_int()), "");
  }
  return {Health::State::healthy, answer.get().body()};
}

}  // namespace crolang::net
