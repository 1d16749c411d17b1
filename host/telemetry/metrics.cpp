#include "telemetry/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

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

constexpr std::string_view kRefused = "Nodes refused for good (CONNECT_ERROR)";
constexpr std::string_view kUnavailable = "Nodes told to come again (503)";
constexpr std::string_view kRelayed = "Messages handed over, to a node here or to another instance";
constexpr std::string_view kAcks = "Acks sent to nodes";
constexpr std::string_view kViolations = "Connections that broke a protocol";
constexpr std::string_view kLeft = "Upgraded connections that the other side or the network ended";
constexpr std::string_view kClosed = "Connections closed by the broker, violations aside";
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
     "RTC configurations that cannot be used; their nodes were told to come again"},
    {Counter::rtc_urls_left_out, "rtc_urls_left_out", "", "",
     "URLs of ICE servers left out of nodes' configurations, since WebRTC stacks refuse them"},
    {Counter::relayed_local, "messages_relayed", "route", "local", kRelayed},
    {Counter::relayed_remote, "messages_relayed", "route", "remote", kRelayed},
    {Counter::ack_ok, "acks", "status", "ok", kAcks},
    {Counter::ack_error, "acks", "status", "error", kAcks},
    {Counter::ack_unauthorized, "acks", "status", "unauthorized", kAcks},
    {Counter::ack_not_connected, "acks", "status", "not_connected", kAcks},
    {Counter::ack_disabled, "acks", "status", "disabled", kAcks},
    {Counter::violation_http, "protocol_violations", "layer", "http", kViolations},
    {Counter::violation_websocket, "protocol_violations", "layer", "websocket", kViolations},
    {Counter::violation_engineio, "protocol_violations", "layer", "engineio", kViolations},
    {Counter::violation_socketio, "protocol_violations", "layer", "socketio", kViolations},
    {Counter::left_close_frame, "closed_by_node", "reason", "close_frame", kLeft},
    {Counter::left_tcp_end, "closed_by_node", "reason", "tcp_end", kLeft},
    {Counter::left_tcp_reset, "closed_by_node", "reason", "tcp_reset", kLeft},
    {Counter::left_tcp_timeout, "closed_by_node", "reason", "tcp_timeout", kLeft},
    {Counter::left_tcp_error, "closed_by_node", "reason", "tcp_error", kLeft},
    {Counter::closed_ping_timeout, "closed_by_broker", "reason", "ping_timeout", kClosed},
    {Counter::closed_handshake_timeout, "closed_by_broker", "reason", "handshake_timeout", kClosed},
    {Counter::closed_outbox_stalled, "closed_by_broker", "reason", "outbox_stalled", kClosed},
    {Counter::closed_invalid_node, "closed_by_broker", "reason", "invalid_node", kClosed},
    {Counter::closed_lost_id, "closed_by_broker", "reason", "lost_id", kClosed},
    {Counter::closed_shutdown, "closed_by_broker", "reason", "shutdown", kClosed},
    {Counter::closed_yielded, "closed_by_broker", "reason", "yielded", kClosed},
    {Counter::closed_for_room, "closed_by_broker", "reason", "room", kClosed},
    {Counter::closed_memory, "closed_by_broker", "reason", "memory", kClosed},
    {Counter::out_of_memory, "out_of_memory", "", "",
     "Times that the system gave no memory, each at the cost of a connection or a question"},
    {Counter::outbox_full, "outbox_full", "", "",
     "Messages not taken because the receiver is too far behind"},
    {Counter::presence_queries, "presence_queries", "", "", "Questions which nodes are connected"},
    {Counter::presence_refused, "presence_refused", "", "",
     "Those of them that came too fast and were answered ERROR"},
}};

constexpr bool describes_every_counter_in_order() {
  for (std::size_t i = 0; i < kPlainCounters; ++i)
    if (kDescriptions[i].counter != static_cast<Counter>(i)) return false;
  return true;
}
static_assert(describes_every_counter_in_order());

constexpr std::array<std::string_view, kPluginKinds> kKindNames{
    "registry", "rtc-config", "authentication", "authorization", "validity", "message-observer"};

struct PluginFamily {
  std::string_view family;
  std::string_view label;
  std::string_view help;
  std::span<const std::pair<PluginEvent, std::string_view>> events;
};
constexpr std::array<std::pair<PluginEvent, std::string_view>, 3> kOutcomes{{
    {PluginEvent::failed, "failed"},
    {PluginEvent::timeout, "timeout"},
    {PluginEvent::over_bound, "over_bound"},
}};
constexpr std::array<std::pair<PluginEvent, std::string_view>, 2> kStrays{{
    {PluginEvent::late_answer, "late"},
    {PluginEvent::double_answer, "double"},
}};
constexpr std::array<PluginFamily, 2> kPluginFamilies{{
    {"plugin_call_faults", "fault", "Questions that modules did not answer as they should",
     kOutcomes},
    {"plugin_stray_answers", "answer", "Answers of plugins that nobody waited for", kStrays},
}};

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
    for (const PluginFamily& each : kPluginFamilies) {
      families_.push_back(family(each.family, each.help, MetricType::Counter));
      for (std::size_t kind = 0; kind < kPluginKinds; ++kind)
        for (const auto& [event, name] : each.events)
          families_.back().metric.push_back(
              metric(sum(plugin_counter(static_cast<PluginKind>(kind), event)),
                     {label("kind", kKindNames[kind]), label(each.label, name)}));
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

std::string render(std::span<const Counters* const> counters, const Gauges& gauges) {
  Page page(counters);
  page.add_gauge("build_info", "Always 1; the label says which build runs", 1,
                 {label("version", gauges.version)});
  page.add_gauge("start_time_seconds", "When the broker started, Unix time",
                 unix_seconds(gauges.started));
  page.add_gauge("workers", "Worker threads", gauges.workers);
  page.add_gauge("connections", "TCP connections open now", gauges.connections);
  page.add_gauge("nodes", "Nodes connected now", gauges.nodes);
  page.add_gauge("inbound_bytes", "Bytes held for messages and requests that are not complete",
                 gauges.inbound_bytes);
  page.add_gauge("outbox_bytes", "Bytes that wait for slow readers", gauges.outbox_bytes);
  page.add_gauge("memory_bytes", "Memory in use, plugins included", gauges.memory_bytes);
  page.add_gauge("memory_limit_bytes", "MAX_MEMORY_BYTES", gauges.memory_limit_bytes);
  page.add_gauge("draining", "1 while the broker shuts down", gauges.draining ? 1 : 0);
  page.add_plain_counters();
  page.add_plugin_counters();
  page.add_total("log_lines_dropped", "Log lines dropped because nobody read them",
                 gauges.log_lines_dropped);
  return page.text();
}

}  // namespace crolang::telemetry
