#include "net/http/routes.hpp"

#include <string>

#include "net/http/engine_io.hpp"

namespace crolang::net {
namespace {

bool allows(Methods methods, http::verb method) {
  switch (methods) {
    case Methods::get_and_head:
      return method == http::verb::get || method == http::verb::head;
  }
  return false;
}

std::variant<PageRequest, Response> find_page(const Request& request, const HttpPolicy& policy) {
  for (const Route& each : policy.routes) {
    if (each.path != request.target().path || !allows(each.methods, request.method())) continue;
    const Part part = request.method() == http::verb::head ? Part::header : Part::whole;
    return PageRequest{each.page, request.after(), part};
  }
  return refused(make_response(404, request.after()),
                 {RequestFault::path, shown_path(request.target().path)});
}

bool is_client_bundle(std::string_view path) {
  path.remove_prefix(kSocketIoPrefix.size());
  return path.starts_with("socket.io.") && (path.ends_with(".js") || path.ends_with(".map"));
}

Response answer_preflight(const Request& request) {
  std::string headers(kCors);
  headers += "Access-Control-Allow-Methods: *\r\nVary: Access-Control-Request-Headers\r\n";
  const std::string_view asked = request.field(http::field::access_control_request_headers);
  if (!asked.empty()) {
    headers += "Access-Control-Allow-Headers: ";
    headers += asked;
    headers += "\r\n";
  }
  return make_response(204, request.after(), {}, headers);
}

}  // namespace

std::variant<PageRequest, Response> route(const Request& request, const HttpPolicy& policy) {
  const auto [path, query] = request.target();
  const http::verb method = request.method();
  if (policy.socket_io == SocketIo::not_served || !path.starts_with(kSocketIoPrefix)) {
    return find_page(request, policy);
  }
  if (method == http::verb::options) return answer_preflight(request);
  if (method == http::verb::get && is_client_bundle(path)) {
    return refused(make_response(404, request.after(), {}, kCors), {RequestFault::client_bundle});
  }
  const EngineParameters parameters = read_engine_parameters(query);
  const EngineError error = check_engine(parameters, method).value_or(EngineError::bad_request);
  return refused(engine_error(error, request.after()), refusal_of(error, parameters, method));
}

}  // namespace crolang::net
