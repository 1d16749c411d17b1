#pragma once
/// Decides what a request's header means: an upgrade to a node's WebSocket, a page, or a refusal.
/// No IO. Threads: any; no shared state. Errors: each is a response.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "broker/identity.hpp"
#include "net/http/policy.hpp"
#include "net/http/refusal.hpp"
#include "net/http/response.hpp"

namespace crolang::net {

/// The whole 101 is ready; it is sent once the node is admitted.
struct UpgradeRequest {
  std::string response;
  broker::Identity identity;
};

/// The connection is closed without a response, at once or after a delay.
struct NoResponse {
  enum class When : std::uint8_t { now, later } when;
  RequestRefusal refusal;
};

using Decision = std::variant<UpgradeRequest, Response, PageRequest, NoResponse>;

/// `header`: from the request line to the empty line, both included.
Decision decide(std::string_view header, const HttpPolicy& policy);

}  // namespace crolang::net
