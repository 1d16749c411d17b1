#include "config/url.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace crolang::config {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986 3.1
bool is_scheme(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end && port > 0;
}

// RFC 3986 3.2.2 and 3.2.3; an IPv6 address stands in brackets, since it has colons itself.
bool is_host_and_port(std::string_view text) {
  const std::size_t host_end =
      text.starts_with('[') ? text.find(']') : std::min(text.find(':'), text.size());
  if (host_end == std::string_view::npos) return false;
  const bool bracketed = text.starts_with('[');
  if (host_end == (bracketed ? 1u : 0u)) return false;
  const std::string_view rest = text.substr(host_end + (bracketed ? 1 : 0));
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

}  // namespace

bool is_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || !is_scheme(text.substr(0, scheme_end))) return false;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
    return false;
  const std::string_view scheme = text.substr(0, scheme_end);
  text.remove_prefix(scheme_end + 3);
  const std::size_t authority_end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, authority_end);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  // A unix socket is a path on this machine.
  if (scheme == "unix" && authority.empty()) return text.substr(authority_end).starts_with('/');
  return is_host_and_port(authority);
}

std::string masked_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  const std::size_t authority = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  std::string out(text.substr(0, authority));
  std::string_view rest = text.substr(authority);
  // The last @ anywhere: a password with an unescaped / or ? must not show, rather hide too much.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    out += "***";
    rest.remove_prefix(at);
  }
  const std::size_t query = rest.find_first_of("?#");
  out += rest.substr(0, query);
  if (query != std::string_view::npos) out.append(1, rest[query]).append("***");
  return out;
}

}  // namespace crolang::config
