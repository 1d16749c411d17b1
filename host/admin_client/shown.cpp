#include "admin_client/shown.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace crolang::admin_client {
namespace {

/// The character that the text begins with and its size; 0: it is invalid UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;
};

Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  std::uint32_t code = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, size};
}

/// Unicode's Cc, Cf and the separators of lines, as far as they matter here.
bool is_harmful(std::uint32_t code) {
  const auto between = [code](std::uint32_t first, std::uint32_t last) {
    return code >= first && code <= last;
  };
  return code < 0x20 || between(0x7F, 0x9F) || code == 0xAD || code == 0x61C || code == 0x180E ||
         between(0x200B, 0x200F) || between(0x2028, 0x202E) || between(0x2060, 0x206F) ||
         code == 0xFEFF || between(0xFFF9, 0xFFFB) || between(0xE0000, 0xE0FFF);
}

std::string printed(const char* format, double value) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), format, value);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string in_hex(std::uint32_t code) {
  std::array<char, 8> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), code, 16);
  return {digits.data(), end};
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_of(text);
    const std::size_t size = character.size == 0 ? 1 : character.size;
    const auto byte = static_cast<unsigned char>(text.front());
    if (character.size == 0 || (size == 1 && is_harmful(character.code))) {
      out.append(byte < 0x10 ? "\\x0" : "\\x").append(in_hex(byte));
    } else if (is_harmful(character.code)) {
      out.append("\\u{").append(in_hex(character.code)).append("}");
    } else if (byte == '\\') {
      out += "\\\\";
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

std::optional<Time> parse_time(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !is_digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto part = [text](std::size_t from, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + from, text.data() + from + size, value);
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(part(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(part(8, 2)))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(part(11, 2)) +
         std::chrono::minutes(part(14, 2)) + std::chrono::seconds(part(17, 2)) +
         std::chrono::milliseconds(part(20, 3));
}

std::string age(std::chrono::milliseconds duration) {
  const std::int64_t seconds = duration.count() > 0 ? duration.count() / 1000 : 0;
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (seconds < kMinute) return std::to_string(seconds) + " s";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + " min";
  if (seconds < 2 * kDay) return std::to_string(seconds / kHour) + " h";
  return std::to_string(seconds / kDay) + " d";
}

std::string size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"k", "M", "G", "T", "P"};
  constexpr double kStep = 1024;
  if (bytes < 1024) return std::to_string(bytes);
  double value = static_cast<double>(bytes) / kStep;
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= kStep;
    ++unit;
  }
  return number(value) + kUnits[unit];
}

std::string number(double value) {
  constexpr double kWhole = 9.95;
  return printed(value < kWhole ? "%.1f" : "%.0f", value);
}

}  // namespace crolang::admin_client
