#include "net/http/engine_io.hpp"

#include <cstddef>

#include "broker/identity.hpp"

namespace crolang::net {

namespace http = boost::beast::http;

namespace {

/// Tells an old client about its version too, which it would otherwise learn only after changing
/// the transport.
std::string of_old_client(const EngineParameters& parameters) {
  return parameters.versions == 1 && parameters.version == "3"
             ? " with EIO=3 (Socket.IO 2: use client version 3 or 4)"
             : "";
}

}  // namespace

EngineParameters read_engine_parameters(std::string_view query) {
  EngineParameters found;
  broker::for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    if (name == "transport") {
      ++found.transports;
      found.transport = value;
    } else if (name == "EIO") {
      ++found.versions;
      found.version = value;
    } else if (name == "sid" && !value.empty()) {
      found.names_session = true;
    } else if (name == "id") {
      found.node = shown(value);
    }
  });
  return found;
}

std::string_view message_of(EngineError error) {
  switch (error) {
    case EngineError::unknown_transport:
      // A client that begins with polling shows this message, so it says what to do.
      return "Transport unknown: only websocket; transports: ['websocket']";
    case EngineError::unknown_sid:
      return "Session ID unknown";
    case EngineError::bad_method:
      return "Bad handshake method";
    case EngineError::bad_request:
      break;
  }
  return "Bad request";
}

std::optional<EngineError> check_engine(const EngineParameters& parameters, http::verb method) {
  if (parameters.transports != 1 || parameters.transport != "websocket") {
    return EngineError::unknown_transport;
  }
  // Sessions cannot be resumed, so every sid is unknown, also that of a live session.
  if (parameters.names_session) return EngineError::unknown_sid;
  if (method != http::verb::get) return EngineError::bad_method;
  return std::nullopt;
}

RequestRefusal refusal_of(EngineError error, const EngineParameters& parameters,
                          http::verb method) {
  switch (error) {
    case EngineError::unknown_transport:
      return {RequestFault::transport,
              asked_for(parameters.transports, parameters.transport) + of_old_client(parameters),
              parameters.node};
    case EngineError::unknown_sid:
      return {RequestFault::session, {}, parameters.node};
    case EngineError::bad_method:
      return {RequestFault::method, std::string(http::to_string(method)), parameters.node};
    case EngineError::bad_request:
      break;
  }
  return {RequestFault::no_upgrade, {}, parameters.node};
}

Response engine_error(EngineError error, After after) {
  std::string body = R"({"code":)" + std::to_string(static_cast<int>(error)) + R"(,"message":")";
  body += message_of(error);
  body += "\"}";
  return make_response(400, after, {"application/json", body}, kCors);
}

std::string asked_for(int times, const std::string& value) {
  if (times == 0) return "missing";
  return times == 1 ? shown_word(value) : "given " + std::to_string(times) + " times";
}

}  // namespace crolang::net
