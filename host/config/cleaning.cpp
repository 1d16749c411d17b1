#include "config/cleaning.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace crolang::config {
namespace {

constexpr std::string_view kWhite = " \t\r\n\v\f";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Blank {
  std::string_view bytes;
  std::string_view name;
};
// Blanks of Unicode, in UTF-8. They are picked up when copying from a web page or a document.
constexpr std::array kInvisible{
    Blank{"\xC2\xA0", "a no-break space (U+00A0)"},
    Blank{"\xC2\xAD", "a soft hyphen (U+00AD)"},
    Blank{"\xE1\x9A\x80", "an ogham space (U+1680)"},
    Blank{"\xE1\xA0\x8E", "a vowel separator (U+180E)"},
    Blank{"\xE2\x80\x80", "an en quad (U+2000)"},
    Blank{"\xE2\x80\x81", "an em quad (U+2001)"},
    Blank{"\xE2\x80\x82", "an en space (U+2002)"},
    Blank{"\xE2\x80\x83", "an em space (U+2003)"},
    Blank{"\xE2\x80\x84", "a space (U+2004)"},
    Blank{"\xE2\x80\x85", "a space (U+2005)"},
    Blank{"\xE2\x80\x86", "a space (U+2006)"},
    Blank{"\xE2\x80\x87", "a figure space (U+2007)"},
    Blank{"\xE2\x80\x88", "a space (U+2008)"},
    Blank{"\xE2\x80\x89", "a thin space (U+2009)"},
    Blank{"\xE2\x80\x8A", "a hair space (U+200A)"},
    Blank{"\xE2\x80\x8B", "a zero-width space (U+200B)"},
    Blank{"\xE2\x80\x8C", "a zero-width non-joiner (U+200C)"},
    Blank{"\xE2\x80\x8D", "a zero-width joiner (U+200D)"},
    Blank{"\xE2\x80\x8E", "a left-to-right mark (U+200E)"},
    Blank{"\xE2\x80\x8F", "a right-to-left mark (U+200F)"},
    Blank{"\xE2\x80\xA8", "a line separator (U+2028)"},
    Blank{"\xE2\x80\xA9", "a paragraph separator (U+2029)"},
    Blank{"\xE2\x80\xAF", "a narrow no-break space (U+202F)"},
    Blank{"\xE2\x81\x9F", "a space (U+205F)"},
    Blank{"\xE2\x81\xA0", "a word joiner (U+2060)"},
    Blank{"\xE3\x80\x80", "an ideographic space (U+3000)"},
};

struct Quotes {
  std::string_view open;
  std::string_view close;
};
constexpr std::array kQuotes{
    Quotes{"\"", "\""},
    Quotes{"'", "'"},
    Quotes{"`", "`"},
    Quotes{"\xE2\x80\x9C", "\xE2\x80\x9D"},  // what word processors turn " into
    Quotes{"\xE2\x80\x98", "\xE2\x80\x99"},
};

bool take_front(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

bool take_back(std::string_view& text, std::string_view what) {
  if (!text.ends_with(what)) return false;
  text.remove_suffix(what.size());
  return true;
}

std::string_view trim(std::string_view text) {
  do {
    text.remove_prefix(std::min(text.find_first_not_of(kWhite), text.size()));
    text = text.substr(0, text.find_last_not_of(kWhite) + 1);
  } while (take_front(text, kByteOrderMark) || take_back(text, kByteOrderMark));
  return text;
}

bool take_quotes(std::string_view& text) {
  return std::any_of(kQuotes.begin(), kQuotes.end(), [&](const Quotes& quotes) {
    std::string_view inside = text;
    if (!take_front(inside, quotes.open) || !take_back(inside, quotes.close)) return false;
    text = inside;
    return true;
  });
}

std::string fault_of(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return "is UTF-16, as some editors save it: save it as UTF-8";
  // A line break or a tab may separate several values.
  for (const char c : text) {
    if (c == '\0') return "contains a NUL byte: is it UTF-16 or binary data?";
    if ((c >= '\x01' && c < ' ' && kWhite.find(c) == std::string_view::npos) || c == '\x7f')
      return "contains a control character: retype it";
  }
  for (const auto& [bytes, name] : kInvisible) {
    if (text.starts_with(bytes))
      return "begins with " + std::string(name) + ", which is invisible: remove it";
    if (text.ends_with(bytes))
      return "ends with " + std::string(name) + ", which is invisible: remove it";
  }
  return {};
}

}  // namespace

Cleaned clean(std::string_view value) {
  Cleaned cleaned{trim(value)};
  if (take_quotes(cleaned.text)) {
    cleaned.text = trim(cleaned.text);
    cleaned.note =
        "had quotes around it, which were removed (if they are part of it, put another pair "
        "around it)";
  }
  cleaned.fault = fault_of(cleaned.text);
  if (cleaned.text.empty() && !value.empty()) cleaned.fault = "consists only of blanks or quotes";
  if (!cleaned.fault.empty()) return {.text = {}, .fault = std::move(cleaned.fault)};
  return cleaned;
}

}  // namespace crolang::config
