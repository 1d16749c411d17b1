#pragma once
/// Case-insensitive comparison of ASCII, whatever the locale, for names of HTTP headers, hosts and
/// ICE candidates; other bytes are compared as is. Pure. Threads: any. Errors: std::bad_alloc
/// from to_lower of a text.

#include <algorithm>
#include <string>
#include <string_view>

namespace crolang::text {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string to_lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return to_lower(c); });
  return result;
}

constexpr bool equals_ignore_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

}  // namespace crolang::text
