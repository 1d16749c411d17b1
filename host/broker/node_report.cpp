#include "broker/node_report.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "json/scanner.hpp"
#include "telemetry/escape.hpp"

namespace crolang::broker {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

/// The same for the same time whenever it is asked, though the clocks drift apart.
system_clock::time_point wall_time(session::TimePoint time) {
  struct Clocks {
    session::TimePoint steady = steady_clock::now();
    system_clock::time_point system = system_clock::now();
  };
  static const Clocks started;
  return started.system + std::chrono::duration_cast<system_clock::duration>(time - started.steady);
}

void append_number(std::string& out, std::string_view name, std::uint64_t number) {
  out.append(",\"").append(name).append("\":").append(std::to_string(number));
}

void append_stated(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":\"");
  telemetry::append_escaped(out, text, telemetry::Escape::quoted, kMaxReportedText);
  out.append("\"");
}

}  // namespace

NodeReport report_of(const Node& node, const client_address::Address& client) {
  const auto stated = [&](Identity::Field field) {
    // One byte more, so that append_json says that something is left out.
    return std::string(node.identity().field(field).value_or("").substr(0, kMaxReportedText + 1));
  };
  const session::Outbox::Totals totals = node.outbox().totals();
  return {.id = std::string(node.id()),
          .since = wall_time(node.joined_at()),
          .version = stated(Identity::Field::version),
          .runtime = stated(Identity::Field::runtime),
          .address = client,
          .round_trip = node.last_round_trip(),
          .messages_in = node.messages(),
          .messages_out = totals.messages,
          .bytes_in = node.bytes_received(),
          .bytes_out = totals.bytes_sent,
          .outbox_bytes = totals.waiting};
}

void append_json(std::string& out, const NodeReport& node, std::string_view instance) {
  out.append("{\"id\":");
  json::append_quoted(out, node.id);
  out.append(",\"instance\":");
  json::append_quoted(out, instance);
  out.append(",\"since\":\"").append(rfc3339(node.since)).append("\"");
  append_stated(out, "version", node.version);
  append_stated(out, "runtime", node.runtime);
  out.append(",\"address\":\"").append(text_of(node.address)).append("\"");
  out.append(",\"roundTripMs\":");
  if (node.round_trip) {
    std::array<char, 32> text{};
    const auto us = node.round_trip->count();
    const int size = std::snprintf(text.data(), text.size(), "%lld.%03d",
                                   static_cast<long long>(us / 1000), static_cast<int>(us % 1000));
    out.append(text.data(), static_cast<std::size_t>(size));
  } else {
    out.append("null");
  }
  append_number(out, "messagesIn", node.messages_in);
  append_number(out, "messagesOut", node.messages_out);
  append_number(out, "bytesIn", node.bytes_in);
  append_number(out, "bytesOut", node.bytes_out);
  append_number(out, "outboxBytes", node.outbox_bytes);
  out.append("}");
}

std::string rfc3339(system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>((ms - (ms % 1000 + 1000) % 1000) / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  size += static_cast<std::size_t>(std::snprintf(text.data() + size, text.size() - size, ".%03dZ",
                                                 static_cast<int>((ms % 1000 + 1000) % 1000)));
  return {text.data(), size};
}

}  // namespace crolang::broker
