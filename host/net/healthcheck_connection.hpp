#pragma once
/// The connection of `crolang-broker healthcheck` to a broker on this machine, plain or with TLS.
/// The broker's certificate is not verified: who can answer on its port is the broker.
///
/// Threads: one; each step blocks until it is completed or the time is over. Errors: a step returns
/// false, and why() says why. With TLS, SIGPIPE must be ignored. Throws std::bad_alloc.

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>

#include "net/descriptor.hpp"
#include "net/peer_address.hpp"
#include "tls/openssl.hpp"

namespace crolang::net {

class HealthcheckConnection {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HealthcheckConnection(Clock::time_point until) : until_(until) {}

  bool connect(const sockaddr* address, socklen_t size);
  /// As the broker sees it; unknown before connect.
  PeerAddress own_address() const;
  /// From here on everything is encrypted.
  bool start_tls();
  bool send(std::string_view text);
  /// Appends what the broker sends until it ends the connection, at most 16 KiB.
  bool receive(std::string& text);

  const std::string& why() const { return why_; }

 private:
  enum class Step { done, again, ended, failed };

  bool fail(int error);
  bool fail(const std::string& why);
  bool wait_for(short events);
  /// What a call of OpenSSL has returned; waits for the socket before `again`.
  Step step_of(int returned);
  Step write_some(std::string_view& text);
  Step read_some(std::string& text);

  const Clock::time_point until_;
  Descriptor socket_;
  tls::SslContext context_;
  tls::Ssl ssl_;  // nullptr: plain
  std::string why_;
};

}  // namespace crolang::net
