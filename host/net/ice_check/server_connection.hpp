#pragma once
/// The connection of check-ice to one address of a server: STUN messages over UDP, TCP or TLS.
///
/// Threads: one; each step blocks until it is completed or its time is over. Errors: fault() after
/// a step that failed. With TLS, SIGPIPE must be ignored. Throws std::bad_alloc.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ice/outcome.hpp"
#include "net/descriptor.hpp"
#include "net/ice_check/tls_client.hpp"
#include "stun/stream.hpp"

namespace crolang::net {

class ServerConnection {
 public:
  using Clock = std::chrono::steady_clock;

  /// `host`: whom the certificate must be for. `stop`: a descriptor; as soon as it is readable, no
  /// step waits any more, as if its time were over. -1: there is none.
  ServerConnection(ice::Way way, std::string host, int stop)
      : way_(way), host_(std::move(host)), stop_(stop) {}

  /// With TCP and TLS this waits for the server, at most until then.
  bool open(const stun::TransportAddress& address, Clock::time_point until);
  bool send(stun::ByteView message, Clock::time_point until);
  enum class Received : std::uint8_t { message, nothing, fault };
  /// Waits for a message, at most until then.
  Received receive(stun::Bytes& message, Clock::time_point until);

  /// TCP does, UDP does not.
  bool repeats_by_itself() const noexcept { return way_ != ice::Way::udp; }

  /// By TCP and TLS: whether TCP's connection was made.
  bool is_connected() const noexcept { return is_connected_; }

  /// Whether a step has ended early for `stop`.
  bool was_stopped() const noexcept { return was_stopped_; }

  const ice::Fault& fault() const noexcept { return fault_; }

 private:
  bool fail(ice::Fault fault);
  bool fail(int error);
  enum class Waited : std::uint8_t { ready, time_is_over, failed };
  Waited wait_for(short events, Clock::time_point until);
  /// False: it waited in vain, which is the fault then.
  bool ready_or_fail(Waited waited);
  bool start_tls(Clock::time_point until);
  Received receive_datagram(stun::Bytes& message, Clock::time_point until);
  /// Waits for what a step of TLS wants.
  Waited wait_after(TlsClient::Step step, Clock::time_point until);
  /// Reads what has arrived into the stream.
  Waited read_some(Clock::time_point until);
  ice::Fault not_stun() const;

  const ice::Way way_;
  const std::string host_;
  const int stop_;
  Descriptor socket_;
  std::optional<TlsClient> tls_;
  bool is_connected_ = false;
  bool was_stopped_ = false;
  stun::StreamReader stream_;
  ice::Fault fault_{};
};

}  // namespace crolang::net
