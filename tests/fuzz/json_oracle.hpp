/// nlohmann's parser made to judge as JavaScript's JSON.parse does, to compare ours with.
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::fuzz {

/// Ends the run with a finding unless the condition holds, in every kind of build.
inline void require(bool condition) {
  if (!condition) std::abort();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// As JSON.stringify; nothing if the text is not UTF-8, on which JavaScript has no opinion.
inline std::optional<std::string> stringify(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    return std::nullopt;
  }
}

/// The code unit if a whole \uXXXX escape of a surrogate stands at `at`, otherwise 0.
inline unsigned long surrogate_escape_at(std::string_view text, std::size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return 0;
  for (const char digit : text.substr(at + 2, 4)) {
    if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) return 0;
  }
  const unsigned long unit = std::stoul(std::string(text.substr(at + 2, 4)), nullptr, 16);
  return unit >= 0xD800 && unit <= 0xDFFF ? unit : 0;
}

struct Rewritten {
  std::string text;
  bool had_lone_surrogates = false;
};

/// Takes from a text what JSON.parse accepts and nlohmann does not, without touching its validity:
/// lone surrogates become U+FFFD, and numbers that overflow a double lose digits.
inline Rewritten rewrite(std::string_view text) {
  Rewritten out;
  bool in_string = false;
  std::size_t digits = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 1;
    if (in_string && text[at] == '\\') {
      const unsigned long unit = surrogate_escape_at(text, at);
      const unsigned long next = surrogate_escape_at(text, at + 6);
      const bool is_pair = unit != 0 && unit < 0xDC00 && next >= 0xDC00;
      length = is_pair ? 12 : unit != 0 ? 6 : 2;
      if (unit != 0 && !is_pair) {
        out.had_lone_surrogates = true;
        out.text += "\\ufffd";
        at += length;
        continue;
      }
    } else if (text[at] == '"') {
      in_string = !in_string;
    }
    const bool is_digit = !in_string && text[at] >= '0' && text[at] <= '9';
    digits = is_digit ? digits + 1 : 0;
    if (digits <= 2) out.text += text.substr(at, length);
    at += length;
  }
  return out;
}

/// What JSON.parse makes of a text in UTF-8, lone surrogates replaced; nothing where it throws.
inline std::optional<nlohmann::json> parse(std::string_view text) {
  // nlohmann skips a byte order mark and takes a NUL for the end.
  if (text.substr(0, 3) == "\xEF\xBB\xBF" || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  auto value = nlohmann::json::parse(rewrite(text).text, nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

/// Our three-byte form of lone surrogates as U+FFFD, to compare with what `parse` gives.
inline std::string without_lone_surrogates(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at + 2 < out.size(); ++at) {
    if (out[at] == '\xED' && static_cast<std::uint8_t>(out[at + 1]) >= 0xA0) {
      out.replace(at, 3, "\xEF\xBF\xBD");
    }
  }
  return out;
}

}  // namespace crolang::fuzz
