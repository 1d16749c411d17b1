#pragma once
/// Requests that are not upgrades: pages, and Engine.IO's error responses. Threads: any; no shared
/// state. Errors: each is a response.

#include <variant>

#include "net/http/policy.hpp"
#include "net/http/request.hpp"

namespace crolang::net {

std::variant<PageRequest, Response> route(const Request& request, const HttpPolicy& policy);

}  // namespace crolang::net
