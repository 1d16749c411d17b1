#include "plugin_host/environment.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace crolang::plugin_host {
namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986 3.1, followed by what makes it hierarchical.
bool is_url(std::string_view value) {
  const std::size_t end = value.find("://");
  if (end == std::string_view::npos || end + 3 == value.size() || !is_alpha(value[0])) return false;
  const std::string_view scheme = value.substr(0, end);
  const auto in_scheme = [](char c) {
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
  return std::all_of(scheme.begin(), scheme.end(), in_scheme) &&
         std::all_of(value.begin(), value.end(), is_visible);
}

bool is_uint(std::string_view value) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc{} && end == value.data() + value.size();
}

/// What the value is not; empty: it is fine.
std::string_view mismatch(std::uint32_t type, std::string_view value) {
  switch (type) {
    case CROLANG_URL:
      return is_url(value) ? "" : "is not a URL (scheme://…)";
    case CROLANG_UINT:
      return is_uint(value) ? "" : "is not a whole number from 0 to 18446744073709551615";
    case CROLANG_BOOL:
      return value == "true" || value == "false" ? "" : "is neither true nor false";
    default:
      return "";
  }
}

}  // namespace

std::optional<std::string> value_of(const crolang_env& variable, const Lookup& lookup) {
  if (auto value = lookup(variable.name)) return value;
  if (variable.default_value != nullptr) return variable.default_value;
  return std::nullopt;
}

std::vector<std::string> environment_faults(const crolang_plugin& plugin, const Lookup& lookup) {
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < plugin.env_count; ++i) {
    const crolang_env& variable = plugin.env[i];
    const std::string name = variable.name;
    const auto value = value_of(variable, lookup);
    if (!value || value->empty()) {
      if ((variable.flags & CROLANG_REQUIRED) != 0) {
        faults.push_back(name + " must be set: " + plugin.id + " needs it (" + variable.help + ")");
      }
      continue;
    }
    const std::string_view what = mismatch(variable.type, *value);
    if (what.empty()) continue;
    const bool secret = (variable.flags & CROLANG_SECRET) != 0;
    faults.push_back(name + (secret ? " " : "=" + *value + " ") + std::string(what));
  }
  return faults;
}

}  // namespace crolang::plugin_host
