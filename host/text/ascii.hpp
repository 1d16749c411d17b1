#pragma once
/// Letters without regard to case, as names of HTTP headers, hosts and ICE candidates are compared:
/// of ASCII only, whatever the locale. Other bytes stand for themselves. Pure. Threads: any.
/// Errors: std::bad_alloc from lowered.

#include <algorithm>
#include <string>
#include <string_view>

namespace crolang::text {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string lowered(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

constexpr bool is_same_word(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace crolang::text
