#include "net/request_log.hpp"

#include <atomic>

#include "net/http/framing.hpp"
#include "session/session.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

namespace log = telemetry::log;

namespace {

// Lines per second for each reason.
constexpr std::uint32_t kPerSecond = 5;
constexpr auto kWarningPause = std::chrono::minutes(1);

std::string of_engine_version(const std::string& asked) {
  const std::string found = "EIO is " + asked + ", this broker supports 4";
  if (asked == "3") return found + ": a Socket.IO 2 client, use version 3 or 4";
  if (asked == "missing") return found + ": not a Socket.IO client?";
  return found;
}

}  // namespace

std::string describe(const RequestRefusal& refusal) {
  const std::string& value = refusal.value;
  switch (refusal.fault) {
    case RequestFault::not_http:
      return "not HTTP";
    case RequestFault::tls:
      return "TLS on the plain-text port: nodes use ws:// or http:// here, and wss:// or https:// "
             "where TLS is: at the proxy, or at PORT with TLS_CERT_FILE";
    case RequestFault::plain_http:
      return "HTTP without TLS on the port that speaks TLS: use wss:// or https://, or PLAIN_PORT";
    case RequestFault::http2:
      return "HTTP/2 on an HTTP/1.1 port";
    case RequestFault::proxy_protocol:
      return "the PROXY protocol (send-proxy, proxy_protocol), which this port does not expect: "
             "set "
             "PROXY_PROTOCOL=true and TRUSTED_PROXIES, or remove it from the proxy's configuration";
    case RequestFault::proxy_not_trusted:
      return "the PROXY protocol from an address that TRUSTED_PROXIES does not contain, or a "
             "second "
             "header of it";
    case RequestFault::malformed:
      return "malformed request: " + value;
    case RequestFault::header_too_large:
      return "the request's header is larger than " + std::to_string(kMaxHeaderBytes) +
             " bytes: is the data in the query too long?";
    case RequestFault::path:
      return "unknown path " + value + ", nodes connect at /socket.io/";
    case RequestFault::client_bundle:
      return "the browser client is not served here: use npm's socket.io-client";
    case RequestFault::transport:
      return "transport is " + value +
             ", only websocket is supported: transports: ['websocket'] in the client";
    case RequestFault::session:
      return "the request has a sid: sessions cannot be resumed";
    case RequestFault::method:
      return "the method is " + value + ", not GET";
    case RequestFault::no_upgrade:
      return "headers Upgrade and Connection: Upgrade are missing (removed by a proxy?)";
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
      return "more pipelined requests than are accepted";
    case RequestFault::origin:
      return "the page's origin is " + (value.empty() ? "empty" : value) +
             ", which is not in ALLOWED_ORIGINS";
    case RequestFault::address_connections:
      return "its address has MAX_CONNECTIONS_PER_ADDRESS connections";
    case RequestFault::address_rate:
      return "its address connects faster than CONNECTION_RATE_PER_ADDRESS allows";
    case RequestFault::metrics_off:
      return "METRICS_ENABLED is false";
    case RequestFault::incomplete:
      return "no complete request within " + value + " ms";
  }
  return {};
}

void log_refusal(const RequestRefusal& refusal, unsigned status,
                 const client_address::Address& client, std::chrono::steady_clock::time_point now) {
  if (!log::enabled(log::Level::connections)) return;
  static telemetry::Throttles<RequestFault> throttles{kPerSecond};
  const auto suppressed = throttles.admit(refusal.fault, now);
  if (!suppressed) return;
  const std::string why = describe(refusal);
  const std::string from = text_of(client);
  if (refusal.node.empty()) {
    log::connection(
        "request refused",
        {{"status", status}, {"why", why}, {"client", from}, {"suppressed", *suppressed}});
    return;
  }
  log::connection("request refused", {{"node", refusal.node},
                                      {"status", status},
                                      {"why", why},
                                      {"client", from},
                                      {"suppressed", *suppressed}});
}

void log_tls_handshake(const TlsFailure& failure, const client_address::Address& client,
                       std::chrono::steady_clock::time_point now) {
  if (!log::enabled(log::Level::connections)) return;
  using Kind = tls::HandshakeFailure::Kind;
  static telemetry::Throttles<Kind> throttles{kPerSecond};
  const auto suppressed = throttles.admit(failure.kind.value_or(Kind::malformed), now);
  if (!suppressed) return;
  log::connection(
      "TLS handshake failed",
      {{"why", failure.sentence}, {"client", text_of(client)}, {"suppressed", *suppressed}});
}

std::string_view describe(client_address::ProxyHeaderFault fault) {
  switch (fault) {
    case client_address::ProxyHeaderFault::absent:
      return "it sent no PROXY header, which PROXY_PROTOCOL=true requires: add send-proxy or "
             "proxy_protocol to the proxy's configuration";
    case client_address::ProxyHeaderFault::malformed:
      return "its PROXY header is malformed";
    case client_address::ProxyHeaderFault::too_long:
      return "its PROXY header is too long: version 1 has at most 107 bytes, of version 2 at most "
             "4096 are accepted";
    case client_address::ProxyHeaderFault::unsupported:
      break;
  }
  return "its PROXY header has a version, command, family or protocol that is not defined";
}

void log_bad_proxy_header(client_address::ProxyHeaderFault fault,
                          const client_address::Address& proxy,
                          std::chrono::steady_clock::time_point now) {
  static telemetry::Throttles<client_address::ProxyHeaderFault> throttles{1};
  const auto suppressed = throttles.admit(fault, now);
  if (!suppressed) return;
  log::warning("a connection of a trusted proxy was closed",
               {{"proxy", text_of(proxy)}, {"why", describe(fault)}, {"suppressed", *suppressed}});
}

void warn_of_missing_proxy(const client_address::Address& peer,
                           std::chrono::steady_clock::time_point now) {
  static std::atomic<std::chrono::steady_clock::rep> next{0};
  auto due = next.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < due ||
      !next.compare_exchange_strong(due, (now + kWarningPause).time_since_epoch().count(),
                                    std::memory_order_relaxed)) {
    return;
  }
  log::warning(
      "limits per address are set, and an untrusted peer names the client in a header: if it is a "
      "proxy, add it to TRUSTED_PROXIES, or the limits apply to it instead of its clients",
      {{"peer", text_of(peer)}});
}

}  // namespace crolang::net
