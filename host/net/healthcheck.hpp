#pragma once
/// Asks a broker on this machine how it is, for `crolang-broker healthcheck`. Threads: one; blocks
/// for at most `patience`. Errors: a sentence.

#include <chrono>
#include <cstdint>
#include <string>

namespace crolang::net {

struct Health {
  enum class State { well, unwell };
  State state = State::unwell;
  std::string text;  ///< the broker's answer, or why there is none
};

/// GET /healthz on the address that a broker with this `bind_address` can be reached at.
Health ask_health(const std::string& bind_address, std::uint16_t port,
                  std::chrono::milliseconds patience);

}  // namespace crolang::net
