#pragma once
/// Splits URLs into their parts (RFC 3986 3). Validating a part is up to the caller.
///
/// It accepts text that operators write but that stricter parsers reject or read differently: a
/// password with an unescaped @, an invalid percent sequence, an IPv6 address with a zone, brackets
/// in a query. That is why it is not Boost.URL. Depends on nothing else. Threads: any. Errors:
/// values. The parts are views of the text.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace crolang::url {

struct Scheme {
  std::string_view name;
  std::string_view rest;  ///< after "://"
};

/// nullopt: there is no "://".
inline std::optional<Scheme> split_scheme(std::string_view text) noexcept {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) return std::nullopt;
  return Scheme{text.substr(0, end), text.substr(end + 3)};
}

/// RFC 3986 3.1
inline bool is_scheme(std::string_view name) noexcept {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

/// True if there are no blanks, control characters or non-ASCII bytes, which would break a request
/// line.
inline bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

enum class Brackets : std::uint8_t { none, closed, unclosed };

/// user:password@host:port, RFC 3986 3.2
struct Authority {
  std::optional<std::string_view> userinfo;
  std::string_view host;    ///< without brackets; empty: missing, or the brackets are not closed
  Brackets brackets;        ///< around the host, which an IPv6 address needs
  std::string_view behind;  ///< the host: empty, or ":" and the port, or what should not be there
};

/// The end of the authority, or of `text`. `text` is a URL without its scheme.
inline std::size_t authority_size(std::string_view text, std::size_t from = 0) noexcept {
  return std::min(text.find_first_of("/?#", from), text.size());
}

/// The userinfo ends at the last @: a password may contain others, a host may not.
inline Authority split_authority(std::string_view text) noexcept {
  Authority parts{std::nullopt, {}, Brackets::none, {}};
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    parts.userinfo = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    parts.brackets = end == std::string_view::npos ? Brackets::unclosed : Brackets::closed;
    if (parts.brackets == Brackets::unclosed) return parts;
    parts.host = text.substr(1, end - 1);
    ++end;
  } else {
    end = std::min(text.find(':'), text.size());
    parts.host = text.substr(0, end);
  }
  parts.behind = text.substr(end);
  return parts;
}

/// The port in the text after a host. nullopt: it is not ":" and a number from 1 to 65535.
inline std::optional<std::uint16_t> read_port(std::string_view behind) noexcept {
  if (!behind.starts_with(':')) return std::nullopt;
  std::uint16_t port = 0;
  const char* const end = behind.data() + behind.size();
  const auto [stop, error] = std::from_chars(behind.data() + 1, end, port);
  if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
  return port;
}

/// The meaning of a plus sign: itself in a URL, a blank in form fields (WHATWG URL 5.1).
enum class Plus : std::uint8_t { is_itself, is_blank };

/// Appends `text` with its percent sequences decoded (RFC 3986 2.1). False: a sequence is invalid;
/// it is appended unchanged.
inline bool append_decoded(std::string& out, std::string_view text, Plus plus) {
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  bool intact = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
        out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
        i += 2;
        continue;
      }
      intact = false;
    }
    out += text[i] == '+' && plus == Plus::is_blank ? ' ' : text[i];
  }
  return intact;
}

}  // namespace crolang::url
