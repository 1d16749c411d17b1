#include "telemetry/log_line.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "telemetry/escape.hpp"

namespace crolang::telemetry::log {
namespace {

constexpr std::size_t kMessageLimit = 4096;
constexpr std::size_t kValueLimit = 1024;

std::string utc(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count();
  const std::time_t clock = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  gmtime_r(&clock, &parts);
  char date[32];
  const std::size_t size = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(millis));
  return std::string(date, size) + fraction;
}

// A value with any other character is quoted, so that it cannot be taken for another field.
bool needs_no_quotes(std::string_view value) {
  return !value.empty() && value.size() <= kValueLimit &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("_.:/@+-").find(c) != std::string_view::npos;
         });
}

void append_quoted(std::string& out, std::string_view value, std::size_t limit) {
  out += '"';
  append_escaped(out, value, Escape::quoted, limit);
  out += '"';
}

struct ValueWriter {
  std::string& out;
  Format format;

  void operator()(std::string_view value) const {
    if (format == Format::text && needs_no_quotes(value))
      out += value;
    else
      append_quoted(out, value, kValueLimit);
  }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::uint64_t value) const { out += std::to_string(value); }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
};

}  // namespace

std::string format_line(Format format, std::chrono::system_clock::time_point time,
                        std::string_view level, std::string_view message, Fields fields) {
  std::string out;
  out.reserve(64 + message.size() + 32 * fields.size());
  if (format == Format::text) {
    out.append(utc(time)).append(" ").append(level).append(" ");
    append_escaped(out, message, Escape::bare, kMessageLimit);
  } else {
    out.append("{\"time\":\"").append(utc(time)).append("\",\"level\":\"").append(level);
    out += "\",\"msg\":";
    append_quoted(out, message, kMessageLimit);
  }
  for (const Field& field : fields) {
    if (format == Format::text)
      out.append(" ").append(field.name_).append("=");
    else
      out.append(",\"").append(field.name_).append("\":");
    std::visit(ValueWriter{out, format}, field.value_);
  }
  if (format == Format::json) out += '}';
  return out;
}

}  // namespace crolang::telemetry::log
