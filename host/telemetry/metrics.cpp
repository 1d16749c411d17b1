#include "telemetry/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

namespace crolang::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kPrefix = "crolang_broker_";

/// One counter of a family; neighbours with the same family are written together.
struct Description {
  Counter counter;
  std::string_view family;
  std::string_view label;  // empty: the family has but one counter
  std::string_view value;
  std::string_view help;
};

constexpr std::string_view kTlsHandshakes = "TLS handshakes that have ended";
constexpr std::string_view kNotTaken = "Connections refused before a node was admitted";
constexpr std::string_view kRefused = "Nodes refused permanently (CONNECT_ERROR)";
constexpr std::string_view kUnavailable = "Nodes asked to retry (503)";
constexpr std::string_view kRelayed =
    "Messages delivered to a local node or passed to another instance";
constexpr std::string_view kAcks = "Acknowledgements sent to nodes";
constexpr std::string_view kViolations = "Connections that violated a protocol";
constexpr std::string_view kLeft = "Upgraded connections ended by the client or the network";
constexpr std::string_view kClosed =
    "Connections closed by the broker, except for protocol violations";
constexpr std::string_view kRenewals = "Times that the TLS certificate files were read again";
constexpr std::string_view kHttp = "HTTP responses, upgrades (1xx) included";

constexpr std::array<Description, kPlainCounters> kDescriptions{{
    {Counter::connections_opened, "connections_opened", "", "", "TCP connections accepted"},
    {Counter::connections_closed, "connections_closed", "", "", "TCP connections ended"},
    {Counter::accept_errors, "accept_errors", "", "", "Connections that could not be accepted"},
    {Counter::bytes_received, "received_bytes", "", "", "Bytes read from connections"},
    {Counter::bytes_sent, "sent_bytes", "", "", "Bytes written to connections"},
    {Counter::http_1xx, "http_responses", "class", "1xx", kHttp},
    {Counter::http_2xx, "http_responses", "class", "2xx", kHttp},
    {Counter::http_3xx, "http_responses", "class", "3xx", kHttp},
    {Counter::http_4xx, "http_responses", "class", "4xx", kHttp},
    {Counter::http_5xx, "http_responses", "class", "5xx", kHttp},
    {Counter::tls_handshakes_full, "tls_handshakes", "outcome", "full", kTlsHandshakes},
    {Counter::tls_handshakes_resumed, "tls_handshakes", "outcome", "resumed", kTlsHandshakes},
    {Counter::tls_handshakes_failed, "tls_handshakes", "outcome", "failed", kTlsHandshakes},
    {Counter::refused_origin, "connections_refused", "reason", "origin", kNotTaken},
    {Counter::refused_address_connections, "connections_refused", "reason", "address_connections",
     kNotTaken},
    {Counter::refused_address_rate, "connections_refused", "reason", "address_rate", kNotTaken},
    {Counter::addresses_not_limited, "connections_not_limited", "", "",
     "Connections not limited by their address, since the table of addresses was full"},
    {Counter::nodes_joined, "nodes_joined", "", "", "Nodes admitted and connected"},
    {Counter::refused_authentication, "admissions_refused", "reason", "authentication", kRefused},
    {Counter::refused_duplicate, "admissions_refused", "reason", "duplicate", kRefused},
    {Counter::refused_invalid_id, "admissions_refused", "reason", "invalid_id", kRefused},
    {Counter::refused_missing_field, "admissions_refused", "reason", "missing_field", kRefused},
    {Counter::unavailable_authentication, "admissions_unavailable", "reason", "authentication",
     kUnavailable},
    {Counter::unavailable_registry, "admissions_unavailable", "reason", "registry", kUnavailable},
    {Counter::unavailable_rtc, "admissions_unavailable", "reason", "rtc", kUnavailable},
    {Counter::unavailable_draining, "admissions_unavailable", "reason", "draining", kUnavailable},
    {Counter::unavailable_limit, "admissions_unavailable", "reason", "limit", kUnavailable},
    {Counter::unavailable_probing, "admissions_unavailable", "reason", "probing", kUnavailable},
    {Counter::unavailable_memory, "admissions_unavailable", "reason", "memory", kUnavailable},
    {Counter::rtc_configurations_refused, "rtc_configurations_refused", "", "",
     "Unusable RTC configurations; their nodes were asked to retry"},
    {Counter::rtc_urls_left_out, "rtc_urls_left_out", "", "",
     "URLs of ICE servers left out of nodes' configurations, since WebRTC stacks refuse them"},
    {Counter::relayed_local, "messages_relayed", "route", "local", kRelayed},
    {Counter::relayed_remote, "messages_relayed", "route", "remote", kRelayed},
    {Counter::ack_ok, "acks", "status", "ok", kAcks},
    {Counter::ack_error, "acks", "status", "error", kAcks},
    {Counter::ack_unauthorized, "acks", "status", "unauthorized", kAcks},
    {Counter::ack_not_connected, "acks", "status", "not_connected", kAcks},
    {Counter::ack_disabled, "acks", "status", "disabled", kAcks},
    {Counter::violation_proxy_protocol, "protocol_violations", "layer", "proxy_protocol",
     kViolations},
    {Counter::violation_tls, "protocol_violations", "layer", "tls", kViolations},
    {Counter::violation_http, "protocol_violations", "layer", "http", kViolations},
    {Counter::violation_websocket, "protocol_violations", "layer", "websocket", kViolations},
    {Counter::violation_engineio, "protocol_violations", "layer", "engineio", kViolations},
    {Counter::violation_socketio, "protocol_violations", "layer", "socketio", kViolations},
    {Counter::left_close_frame, "closed_by_node", "reason", "close_frame", kLeft},
    {Counter::left_tcp_end, "closed_by_node", "reason", "tcp_end", kLeft},
    {Counter::left_tcp_reset, "closed_by_node", "reason", "tcp_reset", kLeft},
    {Counter::left_tcp_timeout, "closed_by_node", "reason", "tcp_timeout", kLeft},
    {Counter::left_tcp_error, "closed_by_node", "reason", "tcp_error", kLeft},
    {Counter::left_tls_alert, "closed_by_node", "reason", "tls_alert", kLeft},
    {Counter::closed_ping_timeout, "closed_by_broker", "reason", "ping_timeout", kClosed},
    {Counter::closed_handshake_timeout, "closed_by_broker", "reason", "handshake_timeout", kClosed},
    {Counter::closed_outbox_stalled, "closed_by_broker", "reason", "outbox_stalled", kClosed},
    {Counter::closed_invalid_node, "closed_by_broker", "reason", "invalid_node", kClosed},
    {Counter::closed_lost_id, "closed_by_broker", "reason", "lost_id", kClosed},
    {Counter::closed_shutdown, "closed_by_broker", "reason", "shutdown", kClosed},
    {Counter::closed_authentication_expired, "closed_by_broker", "reason", "authentication_expired",
     kClosed},
    {Counter::closed_max_age, "closed_by_broker", "reason", "max_age", kClosed},
    {Counter::closed_message_rate, "closed_by_broker", "reason", "message_rate", kClosed},
    {Counter::closed_yielded, "closed_by_broker", "reason", "yielded", kClosed},
    {Counter::closed_for_room, "closed_by_broker", "reason", "room", kClosed},
    {Counter::closed_for_handshake, "closed_by_broker", "reason", "handshake", kClosed},
    {Counter::closed_memory, "closed_by_broker", "reason", "memory", kClosed},
    {Counter::out_of_memory, "out_of_memory", "", "",
     "Failed memory allocations, each of which lost a connection or a request"},
    {Counter::outbox_full, "outbox_full", "", "",
     "Messages rejected because the receiver's outbox was full"},
    {Counter::messages_over_rate, "messages_over_rate", "", "",
     "Messages over MESSAGE_RATE_PER_NODE, answered ERROR"},
    {Counter::presence_queries, "presence_queries", "", "", "Presence queries"},
    {Counter::presence_refused, "presence_refused", "", "",
     "Presence queries over the rate limit, answered ERROR"},
    {Counter::certificates_renewed, "certificate_renewals", "status", "ok", kRenewals},
    {Counter::certificates_not_renewed, "certificate_renewals", "status", "failed", kRenewals},
    {Counter::admin_wrong_tokens, "admin_wrong_tokens", "", "",
     "Wrong tokens sent to the admin interface"},
    {Counter::admin_events_lost, "admin_events_lost", "", "",
     "Events not sent to a reader of the event stream that was too slow"},
}};

constexpr bool describes_every_counter_in_order() {
  for (std::size_t i = 0; i < kPlainCounters; ++i)
    if (kDescriptions[i].counter != static_cast<Counter>(i)) return false;
  return true;
}
static_assert(describes_every_counter_in_order());

struct PluginFamily {
  std::string_view family;
  std::string_view label;
  std::string_view help;
};
constexpr PluginFamily kCallFaults{"plugin_call_faults", "fault",
                                   "Plugin calls that failed, timed out or were not made"};
constexpr PluginFamily kStrayAnswers{"plugin_stray_answers", "answer",
                                     "Plugin answers that came late or twice"};

struct PluginEventLabel {
  const PluginFamily* family = nullptr;
  std::string_view value{};
};
constexpr PluginEventLabel label_of(PluginEvent event) {
  switch (event) {
    case PluginEvent::failed:
      return {&kCallFaults, "failed"};
    case PluginEvent::timeout:
      return {&kCallFaults, "timeout"};
    case PluginEvent::over_bound:
      return {&kCallFaults, "over_bound"};
    case PluginEvent::late_answer:
      return {&kStrayAnswers, "late"};
    case PluginEvent::double_answer:
      return {&kStrayAnswers, "double"};
  }
  return {};
}

ClientMetric::Label label(std::string_view name, std::string_view value) {
  return {std::string(name), std::string(value)};
}

MetricFamily family(std::string_view name, std::string_view help, MetricType type) {
  const std::string_view suffix = type == MetricType::Counter ? "_total" : "";
  return {std::string(kPrefix).append(name).append(suffix), std::string(help), type, {}};
}

ClientMetric metric(std::uint64_t value, std::vector<ClientMetric::Label> labels) {
  ClientMetric result;
  result.label = std::move(labels);
  result.counter.value = static_cast<double>(value);
  result.gauge.value = static_cast<double>(value);
  return result;
}

ClientMetric histogram(const HistogramCounts& counts) {
  ClientMetric result;
  ClientMetric::Histogram& out = result.histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < kHistogramBuckets; ++i) {
    cumulative += counts.buckets[i];
    const double bound = i < kHistogramBounds.size()
                             ? std::chrono::duration<double>(kHistogramBounds[i]).count()
                             : std::numeric_limits<double>::infinity();
    out.bucket.push_back({cumulative, bound});
  }
  out.sample_count = cumulative;
  out.sample_sum = std::chrono::duration<double>(counts.sum).count();
  return result;
}

class Page {
 public:
  explicit Page(std::span<const Counters* const> counters) : counters_(counters) {}

  void add_plain_counters() {
    std::string_view current;
    for (const Description& each : kDescriptions) {
      if (each.family != current)
        families_.push_back(family(each.family, each.help, MetricType::Counter));
      current = each.family;
      std::vector<ClientMetric::Label> labels;
      if (!each.label.empty()) labels.push_back(label(each.label, each.value));
      families_.back().metric.push_back(metric(sum(each.counter), std::move(labels)));
    }
  }

  void add_plugin_counters() {
    for (const PluginFamily* each : {&kCallFaults, &kStrayAnswers}) {
      families_.push_back(family(each->family, each->help, MetricType::Counter));
      for (const kinds::Description& kind : kinds::kAll) add_plugin_events(*each, kind);
    }
  }

  void add_histograms() {
    const LatencyCounts all = latency_counts(counters_);
    std::string_view current;
    for (std::size_t i = 0; i < kLatencies; ++i) {
      const auto latency = static_cast<Latency>(i);
      if (!is_measured(latency)) continue;
      const LatencyDescription described = latency_description(latency);
      if (described.family != current) {
        families_.push_back({std::string(kPrefix).append(described.family).append("_seconds"),
                             std::string(described.help),
                             MetricType::Histogram,
                             {}});
      }
      current = described.family;
      families_.back().metric.push_back(histogram(of(all, latency)));
      if (!described.label.empty()) {
        families_.back().metric.back().label.push_back(label(described.label, described.value));
      }
    }
  }

  void add_total(std::string_view name, std::string_view help, std::uint64_t value) {
    add(name, help, MetricType::Counter, value, {});
  }

  void add_gauge(std::string_view name, std::string_view help, std::uint64_t value,
                 std::vector<ClientMetric::Label> labels = {}) {
    add(name, help, MetricType::Gauge, value, std::move(labels));
  }

  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  void add(std::string_view name, std::string_view help, MetricType type, std::uint64_t value,
           std::vector<ClientMetric::Label> labels) {
    families_.push_back(family(name, help, type));
    families_.back().metric.push_back(metric(value, std::move(labels)));
  }

  void add_plugin_events(const PluginFamily& of, const kinds::Description& kind) {
    for (std::size_t i = 0; i < kPluginEvents; ++i) {
      const auto event = static_cast<PluginEvent>(i);
      const PluginEventLabel described = label_of(event);
      if (described.family != &of) continue;
      families_.back().metric.push_back(
          metric(sum(plugin_counter(kind.kind, event)),
                 {label("kind", kind.label()), label(of.label, described.value)}));
    }
  }

  std::uint64_t sum(Counter counter) const {
    std::uint64_t total = 0;
    for (const Counters* each : counters_) total += each->value(counter);
    return total;
  }

  std::span<const Counters* const> counters_;
  std::vector<MetricFamily> families_;
};

std::uint64_t unix_seconds(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

LatencyCounts latency_counts(std::span<const Counters* const> counters) {
  LatencyCounts all{};
  for (const Counters* each : counters) {
    for (std::size_t i = 0; i < kLatencies; ++i) {
      all[i] += each->histogram(static_cast<Latency>(i)).counts();
    }
  }
  return all;
}

std::string render(std::span<const Counters* const> counters, const Gauges& gauges) {
  Page page(counters);
  page.add_gauge("build_info", "Always 1; the label is the version", 1,
                 {label("version", gauges.version)});
  page.add_gauge("start_time_seconds", "When the broker started, Unix time",
                 unix_seconds(gauges.started));
  page.add_gauge("workers", "Worker threads", gauges.workers);
  page.add_gauge("connections", "TCP connections open now", gauges.connections);
  page.add_gauge("nodes", "Nodes connected now", gauges.nodes);
  page.add_gauge("nodes_limit", "Nodes beyond which more are asked to retry", gauges.nodes_limit);
  page.add_gauge("handshakes", "TCP connections that have not sent a whole request yet",
                 gauges.handshakes);
  page.add_gauge("inbound_bytes", "Bytes held for incomplete messages and requests",
                 gauges.inbound_bytes);
  page.add_gauge("outbox_bytes", "Bytes queued for slow readers", gauges.outbox_bytes);
  page.add_gauge("memory_bytes", "Memory in use, plugins included", gauges.memory_bytes);
  page.add_gauge("memory_limit_bytes", "MAX_MEMORY_BYTES", gauges.memory_limit_bytes);
  page.add_gauge("draining", "1 while the broker shuts down", gauges.draining ? 1 : 0);
  if (gauges.certificate_expiry)
    page.add_gauge("certificate_expiry_time_seconds",
                   "When the first of the TLS certificates expires, Unix time",
                   unix_seconds(*gauges.certificate_expiry));
  page.add_plain_counters();
  page.add_plugin_counters();
  page.add_histograms();
  page.add_total("log_lines_dropped", "Log lines dropped because standard output was not read",
                 gauges.log_lines_dropped);
  return page.text();
}

}  // namespace crolang::telemetry
