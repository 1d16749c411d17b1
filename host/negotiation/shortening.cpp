#include "negotiation/shortening.hpp"

#include <algorithm>
#include <cstdint>

#include "crolang/keyed_hash.hpp"
#include "telemetry/escape.hpp"

namespace crolang::negotiation {
namespace {

constexpr std::size_t kLongestShown = 40;
// `…#` and sixteen digits.
constexpr std::size_t kHash = 3 + 1 + 16;

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// Not within a character.
std::string_view cut(std::string_view utf8, std::size_t longest) {
  std::size_t end = std::min(utf8.size(), longest);
  while (end > 0 && end < utf8.size() && (static_cast<unsigned char>(utf8[end]) & 0xC0) == 0x80) {
    --end;
  }
  return utf8.substr(0, end);
}

void append_hash(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const std::uint64_t hash = HashedText(text).hash;
  out += "…#";
  for (int shift = 60; shift >= 0; shift -= 4) out += kHex[hash >> shift & 15U];
}

}  // namespace

void append_bounded(std::string& out, std::string_view text, std::size_t longest) {
  if (text.size() <= longest && is_printable_ascii(text)) {
    out += text;
    return;
  }
  const std::string_view start = text.substr(0, longest);
  std::string line;
  telemetry::append_escaped(line, start, telemetry::Escape::bare, start.size());
  if (text.size() <= longest && line.size() <= longest) {
    out += line;
    return;
  }
  out += cut(line, longest - kHash);
  append_hash(out, text);
}

std::string bounded(std::string_view text, std::size_t longest) {
  std::string result;
  append_bounded(result, text, longest);
  return result;
}

bool is_verbatim(std::string_view kept) noexcept {
  return kept.find("…#") == std::string_view::npos && kept.find('\\') == std::string_view::npos;
}

std::string shown(std::string_view id) {
  const std::string_view start = cut(id, kLongestShown);
  std::string result(start);
  if (start.size() < id.size()) result += "…";
  return result;
}

}  // namespace crolang::negotiation
