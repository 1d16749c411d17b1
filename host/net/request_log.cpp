#include "net/request_log.hpp"

#include "session/session.hpp"

#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

namespace log = telemetry::log;

namespace {

// Lines in a second, for each reason.
constexpr std::uint32_t kPerSecond = 5;

std::string of_engine_version(const std::string& asked) {
  const std::string found = "EIO is " + asked + ", this broker speaks 4";
  if (asked == "3") return found + ": a client of Socket.IO 2, take one of 3 or 4";
  if (asked == "missing") return found + ": no client of Socket.IO?";
  return found;
}

}  // namespace

std::string describe(const RequestRefusal& refusal) {
  const std::string& value = refusal.value;
  switch (refusal.fault) {
    case RequestFault::not_http:
      return "not HTTP";
    case RequestFault::tls:
      return "TLS was spoken to the plain port: nodes use ws:// or http:// here, wss:// and "
             "https:// at the proxy";
    case RequestFault::http2:
      return "HTTP/2 was spoken to a port of HTTP/1.1";
    case RequestFault::proxy_protocol:
      return "the PROXY protocol was spoken (send-proxy, proxy_protocol), which this port does "
             "not: take it out of the proxy's configuration";
    case RequestFault::malformed:
      return "malformed request: " + value;
    case RequestFault::header_too_large:
      return "the request's header is larger than " + std::to_string(kMaxHeaderBytes) +
             " bytes: is the query's data too long?";
    case RequestFault::path:
      return "there is nothing at " + value + ", nodes connect at /socket.io/";
    case RequestFault::client_bundle:
      return "the browser client is not served here: take it from npm's socket.io-client";
    case RequestFault::transport:
      return "transport is " + value +
             ", there is only websocket: transports: ['websocket'] in the client";
    case RequestFault::session:
      return "it names a sid: sessions are not taken over";
    case RequestFault::method:
      return "the method is " + value + ", not GET";
    case RequestFault::no_upgrade:
      return "no Upgrade and Connection: Upgrade: does a proxy drop them?";
    case RequestFault::upgrade_protocol:
      return "Upgrade is " + value + ", not websocket";
    case RequestFault::key:
      return "Sec-WebSocket-Key is missing or invalid";
    case RequestFault::version:
      return "Sec-WebSocket-Version is not 13";
    case RequestFault::subprotocol:
      return "Sec-WebSocket-Protocol is invalid";
    case RequestFault::engine_version:
      return of_engine_version(value);
    case RequestFault::body:
      return "an upgrade with a body";
    case RequestFault::options:
      return "an upgrade with OPTIONS";
    case RequestFault::early_frames:
      return "more than " + std::to_string(session::kMaxEarlyBytes) +
             " bytes before the upgrade was answered";
    case RequestFault::pipelined:
      return "more requests at once than are answered";
    case RequestFault::metrics_off:
      return "METRICS_ENABLED is false";
    case RequestFault::incomplete:
      return "no complete request within " + value + " ms";
  }
  return {};
}

void log_refusal(const RequestRefusal& refusal, unsigned status,
                 std::chrono::steady_clock::time_point now) {
  if (!log::enabled(log::Level::connections)) return;
  static telemetry::Throttles<RequestFault, kRequestFaults> throttles{kPerSecond};
  const auto suppressed = throttles.admit(refusal.fault, now);
  if (!suppressed) return;
  const std::string why = describe(refusal);
  if (refusal.node.empty()) {
    log::connection("request refused",
                    {{"status", status}, {"why", why}, {"suppressed", *suppressed}});
    return;
  }
  log::connection(
      "request refused",
      {{"node", refusal.node}, {"status", status}, {"why", why}, {"suppressed", *suppressed}});
}

}  // namespace crolang::net
