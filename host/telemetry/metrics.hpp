/// The broker's counters, gauges and histograms, and GET /metrics in Prometheus's text format.
///
/// Threads: each worker counts into its own WorkerCounters, so the hot path shares nothing;
/// all other threads count into one SharedCounters. render reads them all from any thread while
/// they are counted into. Errors: none. Labels come from the enums below and nowhere else: never a
/// node id.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crolang/enum_count.hpp"
#include "kinds/kinds.hpp"
#include "telemetry/histogram.hpp"
#include "telemetry/latency.hpp"

namespace crolang::telemetry {

enum class PluginEvent : std::uint8_t {
  failed,         ///< in time, but not with CROLANG_OK
  timeout,        ///< the host stopped waiting
  over_bound,     ///< not asked: too many questions open
  late_answer,    ///< came after the timeout, dropped
  double_answer,  ///< came after an answer, dropped: a defect of the plugin
};
inline constexpr std::size_t kPluginEvents = enum_count<PluginEvent>();

enum class Counter : std::uint8_t {
  connections_opened,
  connections_closed,
  accept_errors,
  bytes_received,
  bytes_sent,
  http_1xx,
  http_2xx,
  http_3xx,
  http_4xx,
  http_5xx,
  tls_handshakes_full,
  tls_handshakes_resumed,
  tls_handshakes_failed,
  refused_origin,
  refused_address_connections,
  refused_address_rate,
  addresses_not_limited,
  nodes_joined,
  refused_authentication,
  refused_duplicate,
  refused_invalid_id,
  refused_missing_field,
  unavailable_authentication,
  unavailable_registry,
  unavailable_rtc,
  unavailable_draining,
  unavailable_limit,
  unavailable_probing,
  unavailable_memory,
  rtc_configurations_refused,
  rtc_urls_left_out,
  relayed_local,
  relayed_remote,
  ack_ok,
  ack_error,
  ack_unauthorized,
  ack_not_connected,
  ack_disabled,
  violation_proxy_protocol,
  violation_tls,
  violation_http,
  violation_websocket,
  violation_engineio,
  violation_socketio,
  left_close_frame,
  left_tcp_end,
  left_tcp_reset,
  left_tcp_timeout,
  left_tcp_error,
  left_tls_alert,
  closed_ping_timeout,
  closed_handshake_timeout,
  closed_outbox_stalled,
  closed_invalid_node,
  closed_lost_id,
  closed_shutdown,
  closed_authentication_expired,
  closed_max_age,
  closed_message_rate,
  closed_yielded,
  closed_for_room,
  closed_for_handshake,
  closed_memory,
  out_of_memory,
  outbox_full,
  messages_over_rate,
  presence_queries,
  presence_refused,
  certificates_renewed,
  certificates_not_renewed,
  admin_wrong_tokens,
  admin_events_lost,
  plugin_first,  ///< from here on kind by event, see plugin_counter
};
inline constexpr std::size_t kPlainCounters = static_cast<std::size_t>(Counter::plugin_first);
inline constexpr std::size_t kCounters = kPlainCounters + kinds::kKinds * kPluginEvents;

constexpr Counter plugin_counter(kinds::Kind kind, PluginEvent event) {
  return static_cast<Counter>(kPlainCounters + static_cast<std::size_t>(event) * kinds::kKinds +
                              kinds::index(kind));
}

/// `status` is 100 to 599.
constexpr Counter http_counter(unsigned status) {
  return static_cast<Counter>(static_cast<unsigned>(Counter::http_1xx) + status / 100 - 1);
}

class Counters {
 public:
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  std::uint64_t value(Counter counter) const {
    return values_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }
  const Histogram& histogram(Latency latency) const {
    return histograms_[static_cast<std::size_t>(latency)];
  }

 protected:
  Counters() = default;
  ~Counters() = default;

  std::atomic<std::uint64_t>& at(Counter counter) {
    return values_[static_cast<std::size_t>(counter)];
  }
  Histogram& at(Latency latency) { return histograms_[static_cast<std::size_t>(latency)]; }

 private:
  std::array<std::atomic<std::uint64_t>, kCounters> values_{};
  std::array<Histogram, kLatencies> histograms_{};
};

inline constexpr std::size_t kCacheLine = 64;

/// Hot: one writer, so a plain load and store are enough, without a locked instruction.
/// Thread: add by the owning worker only.
class alignas(kCacheLine) WorkerCounters final : public Counters {
 public:
  void add(Counter counter, std::uint64_t amount = 1) {
    at(counter).store(value(counter) + amount, std::memory_order_relaxed);
  }
  void observe(Latency latency, std::chrono::nanoseconds taken) { at(latency).observe(taken); }
};

/// For threads that own no counters: control, plugins' threads, the acceptor.
class alignas(kCacheLine) SharedCounters final : public Counters {
 public:
  void add(Counter counter, std::uint64_t amount = 1) {
    at(counter).fetch_add(amount, std::memory_order_relaxed);
  }
  void observe(Latency latency, std::chrono::nanoseconds taken) {
    at(latency).observe_shared(taken);
  }
};

/// Values at the time of the request.
struct Gauges {
  std::string_view version{};
  std::chrono::system_clock::time_point started{};
  std::uint64_t workers = 0;
  std::uint64_t connections = 0;
  std::uint64_t nodes = 0;
  std::uint64_t nodes_limit = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t inbound_bytes = 0;
  std::uint64_t outbox_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_limit_bytes = 0;
  std::uint64_t log_lines_dropped = 0;
  bool draining = false;
  /// The end of validity of the certificate that expires first; nullopt: the broker has no TLS.
  std::optional<std::chrono::system_clock::time_point> certificate_expiry{};
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The sum of all histograms, for LatencyWindow and whoever compares two times.
LatencyCounts latency_counts(std::span<const Counters* const> counters);

/// The sum of all counters, the gauges, and the sum of all histograms. Takes a few hundred
/// microseconds: not for the hot path.
std::string render(std::span<const Counters* const> counters, const Gauges& gauges);

}  // namespace crolang::telemetry
