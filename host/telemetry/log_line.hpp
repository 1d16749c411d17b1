/// One event as one line, text or JSON. Pure: time is an argument, nothing is written anywhere.
/// Threads: any. Errors: none.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace crolang::telemetry::log {

enum class Format { text, json };

/// A name and a value that belong to an event. Both are views: a Field lives no longer than the
/// call it is made for. Names are the broker's constants and written unchanged; values are escaped.
class Field {
 public:
  Field(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  Field(std::string_view name, const char* value) : Field(name, std::string_view(value)) {}
  Field(std::string_view name, const std::string& value) : Field(name, std::string_view(value)) {}
  template <std::same_as<bool> T>
  Field(std::string_view name, T value) : name_(name), value_(value) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view name, T value)
      : name_(name), value_(std::uint64_t{value}) {}
  template <std::signed_integral T>
  Field(std::string_view name, T value) : name_(name), value_(std::int64_t{value}) {}

 private:
  friend std::string format_line(Format, std::chrono::system_clock::time_point, std::string_view,
                                 std::string_view, std::initializer_list<Field>);

  std::string_view name_;
  std::variant<std::string_view, bool, std::uint64_t, std::int64_t> value_;
};

using Fields = std::initializer_list<Field>;

/// text: `2025-03-01T12:00:00.123Z info text name=value name="value with blanks"`
/// json: `{"time":"2025-03-01T12:00:00.123Z","level":"info","msg":"text","name":"value"}`
/// No line break at the end, and none within, whatever the values hold.
std::string format_line(Format format, std::chrono::system_clock::time_point time,
                        std::string_view level, std::string_view message, Fields fields);

}  // namespace crolang::telemetry::log
