#pragma once
/// URLs of STUN and TURN servers (RFC 7064, RFC 7065) in the form that every WebRTC stack accepts.
///
/// A stack that rejects one URL of a configuration rejects all of it, so one bad URL costs a node
/// all its servers. The broker checks the answers of rtc-config/1 plugins by these rules; a plugin
/// whose variables contain such URLs can check them at start-up.
/// Threads: any. Errors: a constant sentence without secrets, for the log or for an error message.

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace crolang::plugin {

struct IceUrl {
  enum class Server : std::uint8_t { stun, turn };

  Server server;
  /// The same URL in the form that all stacks accept: scheme and transport in lower case, no
  /// surrounding white space, no query after stun: and stuns:, and TLS over TCP where turns: asked
  /// for UDP.
  std::string text;
};

struct IceUrlFault {
  std::string_view why;
};

/// The fault of a URL with another scheme, or without one.
inline constexpr std::string_view kNoIceScheme =
    "it does not begin with stun:, stuns:, turn: or turns:";

namespace detail {

inline bool is_ascii_blank(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

inline std::string_view without_blanks_around(std::string_view text) noexcept {
  while (!text.empty() && is_ascii_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_blank(text.back())) text.remove_suffix(1);
  return text;
}

inline std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

inline bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

inline bool is_address(int family, std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  std::ranges::copy(text, terminated.begin());
  in6_addr address;  // large enough for both families
  return ::inet_pton(family, terminated.data(), &address) == 1;
}

inline std::optional<std::string_view> fault_of_port(std::string_view port) noexcept {
  std::uint32_t number = 0;
  const char* const end = port.data() + port.size();
  const auto [stopped, error] = std::from_chars(port.data(), end, number);
  if (!is_digits(port) || error != std::errc() || stopped != end || number < 1 || number > 65535) {
    return "its port is not a number from 1 to 65535";
  }
  return std::nullopt;
}

inline std::optional<std::string_view> fault_of_name(std::string_view host) noexcept {
  if (host.empty()) return "it has no host";
  if (std::ranges::any_of(host, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return "its host is not ASCII: write it in punycode (xn--…)";
  }
  const auto is_of_names = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  if (!std::ranges::all_of(host, is_of_names)) {
    return "its host has a character that host names may not have";
  }
  // RFC 1035 2.3.4; a dot at the end is the root's.
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::size_t kMaxName = 253;
  constexpr std::size_t kMaxLabel = 63;
  bool is_name = host.size() <= kMaxName;
  std::string_view label;
  for (std::size_t at = 0; is_name && at <= host.size(); at += label.size() + 1) {
    label = host.substr(at, host.find('.', at) - at);
    is_name = !label.empty() && label.size() <= kMaxLabel;
  }
  if (!is_name) return "its host is not a valid host name";
  // No top-level domain is numeric, so this was meant as an address, or the host is missing.
  if (is_digits(label) && !is_address(AF_INET, host)) {
    return "its host is a number, but not an IPv4 address";
  }
  return std::nullopt;
}

/// `host[:port]`, an IPv6 address in brackets.
inline std::optional<std::string_view> fault_of_host_and_port(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_address(AF_INET6, text.substr(1, end - 1))) {
      return "the text in [ ] is not an IPv6 address";
    }
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;
    if (!text.starts_with(':')) return "it has something between its host and its port";
    return fault_of_port(text.substr(1));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
    return "it has more than a port after its host: write an IPv6 address in [ ]";
  }
  if (const auto fault = fault_of_name(text.substr(0, colon))) return fault;
  if (colon == std::string_view::npos) return std::nullopt;
  return fault_of_port(text.substr(colon + 1));
}

}  // namespace detail

/// A URL that no stack can use, or that some stacks reject, is a fault.
inline std::variant<IceUrl, IceUrlFault> parse_ice_url(std::string_view url) {
  url = detail::without_blanks_around(url);
  if (url.empty()) return IceUrlFault{"it is empty"};
  const std::size_t colon = url.find(':');
  std::string text = detail::in_lower_case(url.substr(0, colon));
  const bool is_turn = text == "turn" || text == "turns";
  if (colon == std::string_view::npos || (!is_turn && text != "stun" && text != "stuns")) {
    return IceUrlFault{kNoIceScheme};
  }
  const bool is_secure = text.ends_with('s');

  // RFC 7064 and RFC 7065, section 3.1.
  std::string_view rest = url.substr(colon + 1);
  if (rest.starts_with("//")) return IceUrlFault{"it has // after its scheme"};
  if (rest.find('#') != std::string_view::npos) return IceUrlFault{"it has a fragment (#)"};
  const std::size_t mark = rest.find('?');
  const std::string_view host_and_port = rest.substr(0, mark);
  if (host_and_port.find('@') != std::string_view::npos) {
    return IceUrlFault{"it has a user (@): username and credential are given separately"};
  }
  if (host_and_port.find('/') != std::string_view::npos) return IceUrlFault{"it has a path (/)"};
  if (const auto fault = detail::fault_of_host_and_port(host_and_port)) return IceUrlFault{*fault};

  text += ':';
  text += host_and_port;
  if (!is_turn) return IceUrl{IceUrl::Server::stun, std::move(text)};
  if (mark != std::string_view::npos) {
    std::string query = detail::in_lower_case(rest.substr(mark));
    if (query != "?transport=udp" && query != "?transport=tcp") {
      return IceUrlFault{"its query is neither ?transport=udp nor ?transport=tcp"};
    }
    // It means DTLS, which hardly any stack supports: most use TLS over TCP instead, others ignore
    // the server.
    text += is_secure ? "?transport=tcp" : query;
  }
  return IceUrl{IceUrl::Server::turn, std::move(text)};
}

/// A URL, valid or not, for the log: limited in length, without control characters, and with
/// passwords and everything else that may be secret replaced by `…`.
inline std::string shown_ice_url(std::string_view url) {
  constexpr std::string_view kHidden = "…";
  constexpr std::size_t kMaxBytes = 128;
  std::string_view rest = detail::without_blanks_around(url);
  std::string shown;
  const auto show = [&](std::size_t size) {
    shown += rest.substr(0, size);
    rest.remove_prefix(std::min(size, rest.size()));
  };

  // A password may contain any character, so everything before the last @ is replaced.
  if (rest.find('@') != std::string_view::npos) {
    const std::string scheme = detail::in_lower_case(rest.substr(0, rest.find(':')));
    if (scheme == "turn" || scheme == "turns") show(scheme.size() + 1);
    shown += kHidden;
    rest = rest.substr(rest.rfind('@'));
  }
  // `//` is no path yet.
  if (const std::size_t slash = rest.find_first_of("/?#");
      rest.substr(std::min(slash, rest.size())).starts_with("//")) {
    show(slash + 2);
  }
  show(rest.find_first_of("/?#"));
  if (detail::in_lower_case(rest).starts_with("?transport=") &&
      rest.find_first_of("&#/") == std::string_view::npos) {
    show(rest.size());
  } else if (!rest.empty()) {
    show(1);
    shown += kHidden;
  }

  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (shown.size() > kMaxBytes) {
    std::size_t size = kMaxBytes;
    // Do not cut within a UTF-8 character.
    while (size > 0 && (static_cast<unsigned char>(shown[size]) & 0xc0) == 0x80) --size;
    shown.resize(size);
    shown += kHidden;
  }
  return shown;
}

}  // namespace crolang::plugin
