#pragma once
/// Asks a broker on this machine for its health, for `crolang-broker healthcheck`. Threads: one;
/// blocks for at most `timeout`. Errors: a sentence.

#include <chrono>
#include <cstdint>
#include <string>

#include "client_address/policy.hpp"

namespace crolang::net {

struct Health {
  enum class State { healthy, unhealthy };
  State state = State::unhealthy;
  std::string text;  ///< the broker's answer, or why there is none
};

/// One of its listeners.
struct HealthTarget {
  std::string bind_address;  ///< of the broker, not the one that it is reached at
  std::uint16_t port = 0;
  enum class Security { plain, tls } security = Security::plain;
  client_address::Policy clients{};  ///< a PROXY header is sent if this requires one from here
};

/// GET /healthz. With TLS, SIGPIPE must be ignored.
Health ask_health(const HealthTarget& target, std::chrono::milliseconds timeout);

}  // namespace crolang::net
