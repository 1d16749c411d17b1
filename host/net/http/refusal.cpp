#include "net/http/refusal.hpp"

#include <algorithm>

namespace crolang::net {
namespace {

constexpr std::size_t kShown = 128;

}  // namespace

std::string shown(std::string_view text) {
  return std::string(text.substr(0, kShown));
}

std::string shown_path(std::string_view path) {
  const auto is_separator = [](std::string_view text) {
    return text.front() == '&' || text.front() == ';' || text.starts_with("%3f") ||
           text.starts_with("%3F") || text.starts_with("%26");
  };
  std::size_t end = 0;
  while (end < path.size() && !is_separator(path.substr(end))) ++end;
  return shown(path.substr(0, end));
}

std::string shown_word(std::string_view value) {
  const auto* const end = std::ranges::find_if(value, [](char c) {
    return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             c == '-' || c == '_' || c == '.');
  });
  const std::string_view word = value.substr(0, static_cast<std::size_t>(end - value.begin()));
  if (word.empty()) return value.empty() ? "empty" : "not a word";
  return shown(word);
}

}  // namespace crolang::net
