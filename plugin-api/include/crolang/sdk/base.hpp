/// What every part of the C++ SDK has in common: statuses, log levels, and texts as views.
#pragma once

#include <crolang/base.h>
#include <crolang/entry.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace crolang::plugin {

/// Why a question could not be answered. "No" is an answer, not one of these.
enum class Status : crolang_status {
  ok = CROLANG_OK,
  unavailable = CROLANG_UNAVAILABLE,
  timeout = CROLANG_TIMEOUT,
  cancelled = CROLANG_CANCELLED,
  invalid = CROLANG_INVALID,
  internal = CROLANG_INTERNAL,
};

enum class LogLevel : std::int32_t {
  debug = CROLANG_LOG_DEBUG,
  info = CROLANG_LOG_INFO,
  warn = CROLANG_LOG_WARN,
  error = CROLANG_LOG_ERROR,
};

inline std::string_view view(crolang_str text) noexcept {
  return {text.data, text.size};
}
inline crolang_str raw(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Pass this to CROLANG_PLUGIN when the plugin reads no variables.
inline constexpr std::span<const crolang_env> kNoEnv{};

}  // namespace crolang::plugin
