#include "net/http/decision.hpp"

#include <optional>
#include <utility>

#include "net/http/engine_io.hpp"
#include "net/http/request.hpp"
#include "net/http/routes.hpp"
#include "net/http/upgrade.hpp"

namespace crolang::net {
namespace {

/// A response if the request comes from a web page that may not connect. Other programs send no
/// Origin.
std::optional<Response> refuse_origin(const Request& request, const HttpPolicy& policy) {
  const auto [path, query] = request.target();
  if (policy.origins == nullptr || policy.socket_io == SocketIo::not_served ||
      !path.starts_with(kSocketIoPrefix)) {
    return std::nullopt;
  }
  std::optional<std::string_view> refused_origin;
  request.for_each_line(http::field::origin, [&](std::string_view origin) {
    if (!policy.origins->allows(origin)) refused_origin = origin;
  });
  if (!refused_origin) return std::nullopt;
  return refused(
      make_response(403, After::close, {"text/plain", "Origin not allowed\n"}),
      {RequestFault::origin, shown(*refused_origin), read_engine_parameters(query).node});
}

Decision decide(const Request& request, const HttpPolicy& policy) {
  if (auto response = refuse_origin(request, policy)) return std::move(*response);
  if (request.wants_upgrade()) return decide_upgrade(request, policy);
  auto routed = route(request, policy);
  if (const auto* const page = std::get_if<PageRequest>(&routed)) return *page;
  return std::get<Response>(std::move(routed));
}

}  // namespace

Decision decide(std::string_view header, const HttpPolicy& policy) {
  auto read = read_request(header);
  if (auto* const response = std::get_if<Response>(&read)) return std::move(*response);
  const Request& request = std::get<Request>(read);
  Decision decision = decide(request, policy);
  if (auto* const response = std::get_if<Response>(&decision);
      response != nullptr && request.method() == http::verb::head) {
    response->part = Part::header;
  }
  return decision;
}

}  // namespace crolang::net
