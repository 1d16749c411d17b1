#include "net/healthcheck.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "net/listener.hpp"

namespace crolang::net {
namespace {

namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kQuestion =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
constexpr std::size_t kLongestAnswer = 16 * 1024;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  std::string text;  ///< with the port
};

Address address_of(const std::string& bind_address, std::uint16_t port) {
  Address address;
  in6_addr host6{};
  // A wildcard stands for every address, of IPv4 too.
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

/// One connection. Each step says whether it was done before `until`; if not, `error` says why.
class Connection {
 public:
  explicit Connection(Clock::time_point until) : until_(until) {}

  int error() const { return error_; }

  bool connect(const Address& address) {
    socket_ = Descriptor(
        ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket_.get() < 0) return fail(errno);
    const auto* bytes = reinterpret_cast<const sockaddr*>(&address.bytes);
    if (::connect(socket_.get(), bytes, address.size) == 0) return true;
    if (errno != EINPROGRESS) return fail(errno);
    if (!wait_for(POLLOUT)) return false;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 || fail(error);
  }

  bool send(std::string_view text) {
    while (!text.empty()) {
      if (!wait_for(POLLOUT)) return false;
      const ssize_t n = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (n > 0) {
        text.remove_prefix(static_cast<std::size_t>(n));
      } else if (!may_try_again()) {
        return fail(errno);
      }
    }
    return true;
  }

  /// Everything up to the end of the other side's.
  bool receive(std::string& text) {
    std::array<char, 4096> buffer;
    for (;;) {
      if (!wait_for(POLLIN)) return false;
      const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (n == 0) return true;
      if (n < 0 && !may_try_again()) return fail(errno);
      if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
      if (text.size() > kLongestAnswer) return fail(EMSGSIZE);
    }
  }

 private:
  static bool may_try_again() { return errno == EINTR || errno == EAGAIN; }

  bool fail(int error) {
    error_ = error;
    return false;
  }

  bool wait_for(short events) {
    pollfd waiting{socket_.get(), events, 0};
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
      if (left.count() <= 0) return fail(ETIMEDOUT);
      const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return fail(errno);
    }
  }

  const Clock::time_point until_;
  Descriptor socket_;
  int error_ = 0;
};

}  // namespace

Health ask_health(const std::string& bind_address, std::uint16_t port,
                  std::chrono::milliseconds patience) {
  const Address broker = address_of(bind_address, port);
  const auto unwell = [&](const std::string& what, const std::string& why) {
    return Health{Health::State::unwell, what + " from " + broker.text + why};
  };
  Connection connection(Clock::now() + patience);
  std::string text;
  if (!connection.connect(broker) || !connection.send(kQuestion) || !connection.receive(text)) {
    return unwell("no answer", std::string(": ") + std::strerror(connection.error()));
  }
  http::response_parser<http::string_body> answer;
  answer.eager(true);
  boost::beast::error_code fault;
  answer.put(boost::asio::buffer(text), fault);
  if (!fault && !answer.is_done()) answer.put_eof(fault);
  if (fault) return unwell("no answer", ": " + fault.message());
  if (answer.get().result() != http::status::ok) {
    return unwell("status " + std::to_string(answer.get().result_int()), "");
  }
  return {Health::State::well, answer.get().body()};
}

}  // namespace crolang::net
