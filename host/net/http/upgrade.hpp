#pragma once
/// Requests that ask for a WebSocket: RFC 6455's handshake and Engine.IO's query. Threads: any; no
/// shared state. Errors: each is a decision.

#include "net/http/decision.hpp"
#include "net/http/request.hpp"

namespace crolang::net {

Decision decide_upgrade(const Request& request, const HttpPolicy& policy);

}  // namespace crolang::net
