#pragma once
/// Why the connection of a node, or of one that may become a node, ends: for the log and the
/// counters. It is passed on when the connection ends and is not stored, so that an idle node holds
/// nothing for it.
/// Threads: plain values, not synchronised. Errors: none but std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crolang/enum_count.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::session {

enum class EndReason : std::uint8_t {
  // The other side ended it, or the network path to it is gone.
  close_frame,  ///< number: its code
  tcp_end,
  tcp_reset,
  tcp_timeout,
  tcp_error,  ///< number: errno
  tls_alert,  ///< detail: which
  // It broke a protocol; detail: how.
  tls_violation,
  websocket_violation,
  message_too_large,  ///< number: bytes announced; limit
  early_bytes,        ///< too many before it joined; limit
  engineio_violation,
  socketio_violation,
  // The broker ended it.
  ping_timeout,       ///< number: ms
  handshake_timeout,  ///< number: ms
  outbox_stalled,     ///< number: ms; limit: bytes that wait
  invalid_node,
  lost_id,
  yielded,
  operator_disconnect,  ///< detail: by whom, and why
  operator_reconnect,   ///< likewise
  id_refused,           ///< detail: until when, and why
  authentication_expired,
  max_age,
  message_rate,
  shutdown,
  room,
  memory,
  out_of_memory,
  asked_to_retry,    ///< the node was asked to retry
  already_reported,  ///< the connection was closing, or an earlier line says why
};
inline constexpr std::size_t kEndReasons = enum_count<EndReason>();

struct End {
  // Implicit: most have nothing to add.
  constexpr End(EndReason why) noexcept : reason(why) {}
  constexpr End(EndReason why, std::uint64_t count, std::uint64_t most = 0) noexcept
      : reason(why), number(count), limit(most) {}
  /// `words` live as long as the process, or until the call that the end is passed to has returned:
  /// nothing keeps them.
  constexpr End(EndReason why, std::string_view words) noexcept : reason(why), detail(words) {}

  EndReason reason;
  std::string_view detail = {};
  std::uint64_t number = 0;
  std::uint64_t limit = 0;
};

/// What the errno of a dead connection means.
End end_of_tcp(int error) noexcept;

/// A sentence for the log.
std::string describe(const End& end);

/// nullopt: the caller that ends a connection for that reason counts it, since it also ends
/// connections that are not nodes.
std::optional<telemetry::Counter> counter_of(EndReason reason) noexcept;

}  // namespace crolang::session
