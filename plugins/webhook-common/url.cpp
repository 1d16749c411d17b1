#include "webhook-common/url.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "webhook-common/base64.hpp"

namespace crolang::webhook_common {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// A broken sequence stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      const char* const digits = text.data() + i + 1;
      if (std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
        out += static_cast<char>(byte);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::uint16_t port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  return error == std::errc{} && stop == end ? port : std::uint16_t{0};
}

}  // namespace

Url read_url(std::string_view variable, std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    throw std::invalid_argument(std::string(variable).append(": ").append(why));
  };
  Url url;
  const std::size_t scheme_end = std::min(text.find("://"), text.size());
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme_end == text.size()) refuse("is no URL such as https://host:port/path");
  if (scheme == "https") {
    url.scheme = Url::Scheme::https;
  } else if (scheme != "http") {
    refuse("the scheme '" + scheme + "' is not understood; use http or https");
  }
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    refuse("a URL has no blanks, control characters or letters beyond ASCII");
  }
  text.remove_prefix(scheme_end + 3);

  const std::size_t authority_end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, authority_end);
  std::string_view target = text.substr(authority_end);
  target = target.substr(0, target.find('#'));
  if (!target.starts_with('/')) url.target = "/";
  url.target += target;

  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view userinfo = authority.substr(0, at);
    const std::size_t colon = std::min(userinfo.find(':'), userinfo.size());
    // RFC 7617 2: the user ends at the first colon.
    std::string credentials = percent_decoded(userinfo.substr(0, colon)) + ":";
    if (colon < userinfo.size()) credentials += percent_decoded(userinfo.substr(colon + 1));
    url.authorization = "Basic " + base64(credentials);
    authority.remove_prefix(at + 1);
  }

  const bool bracketed = authority.starts_with('[');
  const std::size_t host_end = bracketed ? authority.find(']') : authority.find(':');
  std::string_view rest;
  if (bracketed) {
    if (host_end == std::string_view::npos) refuse("the host's bracket is not closed");
    url.host = lower(authority.substr(1, host_end - 1));
    rest = authority.substr(host_end + 1);
  } else {
    url.host = lower(authority.substr(0, host_end));
    rest = authority.substr(std::min(host_end, authority.size()));
  }
  if (url.host.empty()) refuse("the host is missing");
  const std::uint16_t usual = url.scheme == Url::Scheme::https ? 443 : 80;
  url.port = usual;
  if (!rest.empty()) {
    url.port = rest.front() == ':' ? port_of(rest.substr(1)) : std::uint16_t{0};
    if (url.port == 0) refuse("the port is no number from 1 to 65535");
  }
  url.authority = bracketed ? "[" + url.host + "]" : url.host;
  if (url.port != usual) url.authority += ":" + std::to_string(url.port);
  return url;
}

}  // namespace crolang::webhook_common
