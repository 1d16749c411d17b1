#pragma once
/// Commands that any thread may post to a worker: small values, carried by that worker's mailbox
/// and executed by its Broker. Threads: plain values, not synchronised.

#include <chrono>
#include <cstdint>
#include <functional>
#include <variant>

#include "session/end.hpp"
#include "session/handle.hpp"

namespace crolang::broker {

/// Called once with one of CROLANG_ALIVE …, on the thread that determines the result.
using ProbeReply = std::function<void(std::int32_t result)>;

/// Probes whether the session is alive, if it still holds that token.
struct ProbeSession {
  session::SessionHandle session;
  std::uint64_t token;
  std::chrono::milliseconds timeout;
  ProbeReply reply;
};

/// Another session holds the id: disconnects this one permanently if it still holds that token.
struct DisconnectHolder {
  session::SessionHandle session;
  std::uint64_t token;
};

/// Disconnects the session permanently.
struct DisconnectSession {
  session::SessionHandle session;
  session::EndReason reason;
};

using Command = std::variant<ProbeSession, DisconnectHolder, DisconnectSession>;

}  // namespace crolang::broker
