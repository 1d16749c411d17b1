#pragma once
/// Commands that any thread may post to a worker: small values, carried by that worker's mailbox
/// and executed by its Broker. Threads: plain values, not synchronised.

#include <chrono>
#include <cstdint>
#include <functional>
#include <variant>

#include "modules/answer.hpp"
#include "session/end.hpp"
#include "session/handle.hpp"

namespace crolang::modules {
class Clients;
}

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

/// Asks a module a question that is not about a node: `ask` calls one of the functions of Clients
/// with the waiter and returns what it returns. `reply` gets the answer once, on that worker; its
/// text is valid during the call only.
struct AskModule {
  std::function<const modules::Answer*(modules::Clients&, const modules::Waiter&)> ask;
  std::function<void(const modules::Answer&)> reply;
};

using Command = std::variant<ProbeSession, DisconnectHolder, DisconnectSession, AskModule>;

}  // namespace crolang::broker
