#include "telemetry/escape.hpp"

#include <cstdint>
#include <cstdio>

namespace crolang::telemetry {
namespace {

constexpr std::size_t kQuotedLimit = 1024;

struct CodePoint {
  char32_t value;
  std::size_t size;  // 0: not UTF-8
};

// Unicode 15, table 3-7: shortest form only, no surrogates, at most U+10FFFF.
CodePoint decode(std::string_view bytes) {
  const auto at = [&](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
  };
  const std::uint32_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return {0, 0};
  std::uint32_t value = lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {0, 0};
    value = value << 6 | (at(i) & 0x3F);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {0, 0};
  return {value, size};
}

bool moves_or_breaks_the_line(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append_code(std::string& out, char32_t c) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c) & 0xFFFFu);
  out += text;
}

// Never cut within a character, which would look like invalid input.
std::string_view cut(std::string_view bytes, std::size_t limit) {
  if (bytes.size() <= limit) return bytes;
  std::size_t end = limit;
  while (end > 0 && limit - end < 3 && (static_cast<unsigned char>(bytes[end]) & 0xC0) == 0x80)
    --end;
  return bytes.substr(0, end);
}

}  // namespace

void append_escaped(std::string& out, std::string_view bytes, Escape escape, std::size_t limit) {
  const std::string_view shown = cut(bytes, limit);
  for (std::string_view rest = shown; !rest.empty();) {
    const auto [c, size] = decode(rest);
    if (size == 0) {
      append_code(out, 0xFFFD);
    } else if (moves_or_breaks_the_line(c)) {
      append_code(out, c);
    } else {
      if (escape == Escape::quoted && (c == '"' || c == '\\')) out += '\\';
      out += rest.substr(0, size);
    }
    rest.remove_prefix(size == 0 ? 1 : size);
  }
  if (shown.size() < bytes.size())
    out += "…(+" + std::to_string(bytes.size() - shown.size()) + " bytes)";
}

std::string in_quotes(std::string_view bytes) {
  std::string out = "\"";
  append_escaped(out, bytes, Escape::quoted, kQuotedLimit);
  return out += '"';
}

}  // namespace crolang::telemetry
