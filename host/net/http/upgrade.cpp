#include "net/http/upgrade.hpp"

#include <boost/beast/core/string.hpp>
#include <optional>
#include <string>
#include <utility>

#include "net/http/engine_io.hpp"
#include "websocket/handshake.hpp"

namespace crolang::net {
namespace {

Response abort_upgrade(std::string_view message, RequestRefusal refusal) {
  return refused(make_response(400, After::close, {"text/html", message}), std::move(refusal));
}

/// The first subprotocol that is offered; empty: none is; nullopt: the offer is malformed.
std::optional<std::string_view> choose_protocol(const Request& request) {
  std::optional<std::string_view> chosen = std::string_view();
  request.for_each_line(http::field::sec_websocket_protocol, [&](std::string_view line) {
    const auto first = first_token(line);
    if (!first) {
      chosen.reset();
    } else if (chosen && chosen->empty()) {
      chosen = first;
    }
  });
  return chosen;
}

std::string switching_protocols(std::string_view key, std::string_view protocol) {
  const auto accept = websocket::accept_key(key);
  std::string response =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  response.append(accept.data(), accept.size());
  response += "\r\n";
  if (!protocol.empty()) {
    response += "Sec-WebSocket-Protocol: ";
    response += protocol;
    response += "\r\n";
  }
  response += kCors;
  response += "\r\n";
  return response;
}

}  // namespace

Decision decide_upgrade(const Request& request, const HttpPolicy& policy) {
  const auto [path, query] = request.target();
  const http::verb method = request.method();
  const EngineParameters parameters = read_engine_parameters(query);
  const auto refusal = [&](RequestFault fault, std::string_view value = {}) {
    return RequestRefusal{fault, shown(value), parameters.node};
  };
  if (method == http::verb::options) {
    return NoResponse{NoResponse::When::now, refusal(RequestFault::options)};
  }
  if (policy.socket_io == SocketIo::not_served || !path.starts_with(kSocketIoPrefix)) {
    return NoResponse{NoResponse::When::later, refusal(RequestFault::path, shown_path(path))};
  }
  if (const auto error = check_engine(parameters, method)) {
    return abort_upgrade(message_of(*error), refusal_of(*error, parameters, method));
  }
  const std::string_view protocol_asked = request.field(http::field::upgrade);
  if (!boost::beast::iequals(protocol_asked, "websocket")) {
    return abort_upgrade("Invalid Upgrade header",
                         refusal(RequestFault::upgrade_protocol, protocol_asked));
  }
  const std::string_view key = request.field(http::field::sec_websocket_key);
  if (request.count(http::field::sec_websocket_key) != 1 || !websocket::is_valid_key(key)) {
    return abort_upgrade("Missing or invalid Sec-WebSocket-Key header", refusal(RequestFault::key));
  }
  const std::string_view version = request.field(http::field::sec_websocket_version);
  if (version != "13" && version != "8") {
    return abort_upgrade("Missing or invalid Sec-WebSocket-Version header",
                         refusal(RequestFault::version));
  }
  const auto protocol = choose_protocol(request);
  if (!protocol) {
    return abort_upgrade("Invalid Sec-WebSocket-Protocol header",
                         refusal(RequestFault::subprotocol));
  }
  if (parameters.versions != 1 || parameters.version != "4") {
    return abort_upgrade(
        "Unsupported protocol version",
        refusal(RequestFault::engine_version, asked_for(parameters.versions, parameters.version)));
  }
  // The body would be taken for WebSocket frames.
  if (request.body() == RequestBody::some) {
    return abort_upgrade("An upgrade has no body", refusal(RequestFault::body));
  }
  return UpgradeRequest{switching_protocols(key, *protocol), broker::Identity::from_query(query)};
}

}  // namespace crolang::net
