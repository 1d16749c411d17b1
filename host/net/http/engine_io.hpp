#pragma once
/// Engine.IO's query parameters, and the errors that its server answers.
/// Threads: any; no shared state. Errors: std::bad_alloc.

#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "net/http/refusal.hpp"
#include "net/http/response.hpp"

namespace crolang::net {

/// The parameters of the query that Engine.IO reads.
struct EngineParameters {
  int transports = 0;
  int versions = 0;
  std::string transport;
  std::string version;
  bool names_session = false;
  std::string node;  ///< truncated, for the log
};
EngineParameters read_engine_parameters(std::string_view query);

/// Engine.IO's own error codes, as its server words them.
enum class EngineError : std::uint8_t { unknown_transport, unknown_sid, bad_method, bad_request };

std::string_view message_of(EngineError error);
/// nullopt: it asks for a new session over WebSocket, the only transport.
std::optional<EngineError> check_engine(const EngineParameters& parameters,
                                        boost::beast::http::verb method);
RequestRefusal refusal_of(EngineError error, const EngineParameters& parameters,
                          boost::beast::http::verb method);
/// Engine.IO's response to a request that is not an upgrade.
Response engine_error(EngineError error, After after);

/// A parameter that was given `times` times, in words for the log.
std::string asked_for(int times, const std::string& value);

}  // namespace crolang::net
