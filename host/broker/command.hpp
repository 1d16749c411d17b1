#pragma once
/// Commands that any thread may post to a worker: small values, carried by that worker's mailbox
/// and executed by its Broker. Threads: plain values, not synchronised.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "modules/answer.hpp"
#include "session/end.hpp"
#include "session/handle.hpp"

namespace crolang::modules {
class Clients;
}

namespace crolang::broker {

class NodeScan;
struct NodeReport;

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

/// Goes on with a list of this worker's nodes (node_list.hpp).
struct ScanNodes {
  std::uint16_t worker;
  std::shared_ptr<NodeScan> scan;
};

/// Reports a node, if its session still holds that token; else nullopt.
struct ReportNode {
  session::SessionHandle session;
  std::uint64_t token;
  std::function<void(std::optional<NodeReport>)> reply;
};

/// Disconnects a node for an operator, if its session still holds that token.
struct DisconnectNode {
  session::SessionHandle session;
  std::uint64_t token;
  session::EndReason reason;        ///< operator_disconnect, operator_reconnect or id_refused
  std::string words;                ///< for the log: by whom, and why
  std::function<void(bool)> reply;  ///< whether it was still there; may be empty
};

/// Asks a module a question that is not about a node: `ask` calls one of the functions of Clients
/// with the waiter and returns what it returns. `reply` gets the answer once, on that worker; its
/// text is valid during the call only.
struct AskModule {
  std::function<const modules::Answer*(modules::Clients&, const modules::Waiter&)> ask;
  std::function<void(const modules::Answer&)> reply;
};

using Command = std::variant<ProbeSession, DisconnectHolder, DisconnectSession, ScanNodes,
                             ReportNode, DisconnectNode, AskModule>;

}  // namespace crolang::broker
