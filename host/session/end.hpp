#pragma once
/// Why a connection ends, once it is a node's or may become one: for the log and the counters. It
/// is handed on when that happens and kept nowhere, so that it costs an idle node nothing.
/// Threads: values. Errors: none but std::bad_alloc.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/metrics.hpp"

namespace crolang::session {

enum class EndReason : std::uint8_t {
  // The other side ended it, or the way to it is gone.
  close_frame,  ///< number: its code
  tcp_end,
  tcp_reset,
  tcp_timeout,
  tcp_error,  ///< number: errno
  // It broke a protocol; detail: how.
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
  shutdown,
  room,
  memory,
  out_of_memory,
  asked_to_retry,  ///< the node was told so
};
inline constexpr std::size_t kEndReasons = 21;

struct End {
  // Implicit: most have nothing to add.
  constexpr End(EndReason why) noexcept : reason(why) {}
  constexpr End(EndReason why, std::uint64_t count, std::uint64_t most = 0) noexcept
      : reason(why), number(count), limit(most) {}
  /// `words` live as long as the process.
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

/// Nothing: whoever ends it for that reason counts it, since it may end what is no node as well.
std::optional<telemetry::Counter> counter_of(EndReason reason) noexcept;

}  // namespace crolang::session
