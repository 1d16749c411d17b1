#include "session/end.hpp"

#include <cerrno>
#include <system_error>

namespace crolang::session {

using telemetry::Counter;

End end_of_tcp(int error) noexcept {
  switch (error) {
    case 0:
      return EndReason::tcp_end;
    case ECONNRESET:
    case EPIPE:
      return EndReason::tcp_reset;
    case ETIMEDOUT:
      return EndReason::tcp_timeout;
    default:  // no enum: errno
      return {EndReason::tcp_error, static_cast<std::uint64_t>(error)};
  }
}

std::string describe(const End& end) {
  const std::string number = std::to_string(end.number);
  const std::string limit = std::to_string(end.limit);
  switch (end.reason) {
    case EndReason::close_frame:
      // RFC 6455 7.4.1: 1005 stands for a close frame without a code.
      return end.number == 1005 ? "closed by the node" : "closed by the node with code " + number;
    case EndReason::tcp_end:
      return "connection closed by the node (FIN)";
    case EndReason::tcp_reset:
      return "TCP reset by the node";
    case EndReason::tcp_timeout:
      return "TCP timed out: the node or the network path to it is gone";
    case EndReason::tcp_error:
      return "TCP: " + std::generic_category().message(static_cast<int>(end.number));
    case EndReason::tls_alert:
      return "TLS: the node has sent the alert " + std::string(end.detail);
    case EndReason::tls_violation:
      return "TLS: " + std::string(end.detail);
    case EndReason::websocket_violation:
      return "WebSocket: " + std::string(end.detail);
    case EndReason::message_too_large:
      return "a message of " + number + " bytes, MAX_PAYLOAD_BYTES is " + limit;
    case EndReason::early_bytes:
      return "more than " + limit + " bytes before it joined";
    case EndReason::engineio_violation:
      return "Engine.IO: " + std::string(end.detail);
    case EndReason::socketio_violation:
      return "Socket.IO: " + std::string(end.detail);
    case EndReason::ping_timeout:
      return "no pong within " + number + " ms";
    case EndReason::handshake_timeout:
      return "no CONNECT within " + number + " ms";
    case EndReason::outbox_stalled:
      return "read none of the " + limit + " bytes queued for it within " + number + " ms";
    case EndReason::invalid_node:
      return "no longer valid";
    case EndReason::lost_id:
      return "its id is held elsewhere";
    case EndReason::yielded:
      return "did not respond when another connection claimed its id";
    case EndReason::operator_disconnect:
      return "disconnected " + std::string(end.detail);
    case EndReason::operator_reconnect:
      return "asked to reconnect " + std::string(end.detail);
    case EndReason::id_refused:
      return "its id is " + std::string(end.detail);
    case EndReason::authentication_expired:
      return "its authentication has expired";
    case EndReason::max_age:
      return "it was connected for as long as MAX_CONNECTION_AGE_MS allows";
    case EndReason::message_rate:
      return "it kept sending faster than MESSAGE_RATE_PER_NODE allows";
    case EndReason::shutdown:
      return "shutting down";
    case EndReason::room:
      return "not a node, closed to make room for another connection";
    case EndReason::memory:
      return "held the most memory while more than MAX_MEMORY_BYTES was in use";
    case EndReason::out_of_memory:
      return "out of memory";
    case EndReason::asked_to_retry:
      return "asked to retry";
    case EndReason::already_reported:
      return "reported earlier";
  }
  return {};
}

std::optional<Counter> counter_of(EndReason reason) noexcept {
  switch (reason) {
    case EndReason::close_frame:
      return Counter::left_close_frame;
    case EndReason::tcp_end:
      return Counter::left_tcp_end;
    case EndReason::tcp_reset:
      return Counter::left_tcp_reset;
    case EndReason::tcp_timeout:
      return Counter::left_tcp_timeout;
    case EndReason::tcp_error:
      return Counter::left_tcp_error;
    case EndReason::tls_alert:
      return Counter::left_tls_alert;
    case EndReason::tls_violation:
      return Counter::violation_tls;
    case EndReason::websocket_violation:
    case EndReason::message_too_large:
    case EndReason::early_bytes:
      return Counter::violation_websocket;
    case EndReason::engineio_violation:
      return Counter::violation_engineio;
    case EndReason::socketio_violation:
      return Counter::violation_socketio;
    case EndReason::ping_timeout:
      return Counter::closed_ping_timeout;
    case EndReason::handshake_timeout:
      return Counter::closed_handshake_timeout;
    case EndReason::outbox_stalled:
      return Counter::closed_outbox_stalled;
    case EndReason::invalid_node:
      return Counter::closed_invalid_node;
    case EndReason::lost_id:
      return Counter::closed_lost_id;
    case EndReason::yielded:
      return Counter::closed_yielded;
    case EndReason::operator_disconnect:
    case EndReason::id_refused:
      return Counter::closed_operator;
    case EndReason::operator_reconnect:
      return Counter::closed_operator_reconnect;
    case EndReason::authentication_expired:
      return Counter::closed_authentication_expired;
    case EndReason::max_age:
      return Counter::closed_max_age;
    case EndReason::message_rate:
      return Counter::closed_message_rate;
    case EndReason::shutdown:
      return Counter::closed_shutdown;
    case EndReason::room:
    case EndReason::memory:
    case EndReason::out_of_memory:
    case EndReason::asked_to_retry:
    case EndReason::already_reported:
      break;
  }
  return std::nullopt;
}

}  // namespace crolang::session
