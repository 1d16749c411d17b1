#include "net/ice_check/check.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <variant>

#include "net/descriptor.hpp"
#include "stun/writer.hpp"

namespace crolang::net {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using FaultKind = ice::Fault::Kind;

// None of these checks takes half as long, however slow the machine is.
constexpr auto kIceCheckAges = 60s;

/// A server on a port of the loopback address, which does what `serve` does until the end.
class IceServer {
 public:
  enum class Kind : std::uint8_t { udp, tcp };

  explicit IceServer(Kind kind)
      : socket_(
            ::socket(AF_INET, (kind == Kind::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (kind == Kind::tcp) ::listen(socket_.get(), 8);
  }
  ~IceServer() {
    has_ended_ = true;
    ::shutdown(socket_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }

  /// Sends the message to the first client again and again.
  void flood_with(stun::Bytes message) {
    thread_ = std::thread([this, message = std::move(message)] {
      int type = 0;
      socklen_t size = sizeof type;
      ::getsockopt(socket_.get(), SOL_SOCKET, SO_TYPE, &type, &size);
      Descriptor accepted;
      if (type == SOCK_DGRAM) {
        sockaddr_in client{};
        socklen_t client_size = sizeof client;
        std::array<char, 2048> request{};
        ::recvfrom(socket_.get(), request.data(), request.size(), 0,
                   reinterpret_cast<sockaddr*>(&client), &client_size);
        if (has_ended_) return;
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&client), client_size);
      } else {
        accepted = Descriptor(::accept(socket_.get(), nullptr, nullptr));
        if (accepted.get() < 0) return;
      }
      const int to = type == SOCK_DGRAM ? socket_.get() : accepted.get();
      while (!has_ended_) {
        const auto sent = ::send(to, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) return;
      }
    });
  }

  std::string url(std::string_view scheme = "stun") const {
    return std::string(scheme) + ":127.0.0.1:" + std::to_string(port_);
  }

 private:
  Descriptor socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> has_ended_{false};
  std::thread thread_;
};

std::vector<ice::Target> ice_targets(const std::string& url) {
  return std::get<std::vector<ice::Target>>(ice::targets_of(url, {"user", "password"}));
}

stun::Bytes ice_indication() {
  return stun::Writer(stun::Class::indication, stun::Method::binding, {}).bytes();
}

TEST(CheckIce, IsNotHeldUpByAServerThatSendsOtherDatagramsWithoutAPause) {
  IceServer server(IceServer::Kind::udp);
  server.flood_with(ice_indication());
  const auto results = check_ice({ice_targets(server.url())[0]}, {.time_limit = 300ms});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_TRUE(results[0].outcome.fault);
  EXPECT_EQ(results[0].outcome.fault->kind, FaultKind::timed_out);
}

TEST(CheckIce, IsNotHeldUpByAStreamOfOtherMessagesWithoutAPause) {
  IceServer server(IceServer::Kind::tcp);
  server.flood_with(ice_indication());
  const auto results =
      check_ice(ice_targets(server.url("turn") + "?transport=tcp"), {.time_limit = 300ms});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_TRUE(results[0].outcome.fault);
  EXPECT_EQ(results[0].outcome.fault->kind, FaultKind::timed_out);
}

TEST(CheckIce, TriesNoFurtherServersAfterItsTime) {
  const IceServer silent(IceServer::Kind::udp);
  const std::vector<ice::Target> many(100, ice_targets(silent.url())[0]);
  const auto started = Clock::now();
  const auto results = check_ice(many, {.time_limit = 300ms});
  EXPECT_LT(Clock::now() - started, kIceCheckAges);
  ASSERT_EQ(results.size(), many.size());
  EXPECT_EQ(results.front().outcome.fault->kind, FaultKind::timed_out);
  EXPECT_EQ(results.back().outcome.fault->kind, FaultKind::not_tried);
  for (const auto& each : results) EXPECT_EQ(each.outcome.state, ice::Outcome::State::failed);
}

TEST(CheckIce, EndsAsSoonAsItIsStopped) {
  const IceServer silent(IceServer::Kind::udp);
  const Descriptor stop(::eventfd(1, EFD_CLOEXEC));
  const auto started = Clock::now();
  const auto results =
      check_ice({ice_targets(silent.url())[0]}, {.time_limit = 10min, .stop = stop.get()});
  EXPECT_LT(Clock::now() - started, kIceCheckAges);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0].outcome.fault);
}

TEST(CheckIce, TriesAUrlOnTheHostAndPortThatItNames) {
  const IceServer silent(IceServer::Kind::udp);
  const auto results = check_ice({ice_targets(silent.url())[0]}, {.time_limit = 100ms});
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ("stun:" + results[0].outcome.server, silent.url());
}

}  // namespace
}  // namespace crolang::net
