#include "origin/allow_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "text/ascii.hpp"

namespace crolang::origin {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n";
constexpr std::string_view kSchemeEnd = "://";
constexpr std::string_view kWildcard = "*.";

struct DefaultPort {
  std::string_view scheme;
  std::string_view port;
};
constexpr std::array kDefaultPorts{DefaultPort{"https", ":443"}, DefaultPort{"http", ":80"}};

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// RFC 3986 3.1.
bool is_scheme(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::ranges::all_of(
             text, [](char c) { return is_lower_or_digit(c) || c == '+' || c == '-' || c == '.'; });
}

/// A name or an IPv4 address. Underscores are in use.
bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
           return is_lower_or_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_ipv6(std::string_view text) {
  return text.size() > 4 && text.starts_with('[') && text.ends_with(']') &&
         std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':';
         });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && stop == text.data() + text.size() && port != 0 &&
         text.front() != '0';
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string write(std::string_view text, std::string_view why) {
  return "write " + std::string(text) + ": " + std::string(why);
}

/// Calls `use(entry)` until it returns false.
template <class Use>
void for_each_entry(std::string_view list, Use&& use) {
  while (true) {
    const std::size_t begin = list.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) return;
    list.remove_prefix(begin);
    const std::string_view entry = list.substr(0, list.find_first_of(kSeparators));
    if (!use(entry)) return;
    list.remove_prefix(entry.size());
  }
}

/// Of the part behind `://`. Empty: none.
std::string fault_in_host(std::string_view entry, std::string_view scheme,
                          std::string_view authority) {
  const std::size_t colon =
      authority.ends_with(']') ? std::string_view::npos : authority.rfind(':');
  const std::string_view host = authority.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon);
    if (!is_port(port.substr(1))) {
      return quoted(entry) + " has no port from 1 to 65535 behind its colon";
    }
    for (const DefaultPort& each : kDefaultPorts) {
      if (scheme == each.scheme && port == each.port) {
        return write(entry.substr(0, entry.size() - port.size()),
                     "browsers leave out the default port");
      }
    }
  }
  const std::string_view name = host.starts_with(kWildcard) ? host.substr(kWildcard.size()) : host;
  if (name.find('*') != std::string_view::npos) {
    return quoted(entry) + ": a * stands for whole labels at the beginning of the host, as in " +
           "https://*.example.org";
  }
  if (is_name(name) || (name.size() == host.size() && is_ipv6(name))) return {};
  if (std::ranges::any_of(name, [](char c) { return (c & 0x80) != 0; })) {
    return quoted(entry) + ": write the host as browsers send it, xn--…";
  }
  return quoted(entry) + " has no valid host";
}

std::string fault_in_entry(std::string_view entry) {
  if (entry == "*") return "leave it out: every origin is admitted without it";
  if (entry == "null") return "null is sent by any page in a sandboxed frame, so it names no page";
  const std::size_t scheme_end = entry.find(kSchemeEnd);
  if (scheme_end == std::string_view::npos) {
    return write("https://" + std::string(entry), "an origin begins with its scheme");
  }
  const std::string_view scheme = entry.substr(0, scheme_end);
  const std::string_view rest = entry.substr(scheme_end + kSchemeEnd.size());
  if (const std::string lowered = text::to_lower(entry); lowered != entry) {
    return write(lowered, "browsers send origins in lower case");
  }
  if (scheme == "ws" || scheme == "wss") {
    return write((scheme == "ws" ? "http://" : "https://") + std::string(rest),
                 "the origin is that of the page");
  }
  if (!is_scheme(scheme)) return quoted(entry) + " has no valid scheme";
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.empty()) return quoted(entry) + " has no host";
  if (authority_end != rest.size()) {
    const bool is_slash = rest.substr(authority_end) == "/";
    return write(std::string(scheme).append(kSchemeEnd).append(authority),
                 is_slash ? "an origin has no slash at its end" : "an origin has no path");
  }
  if (authority == "*") return "leave it out: every origin is admitted without it";
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    return write(std::string(scheme).append(kSchemeEnd).append(authority.substr(at + 1)),
                 "an origin has no user");
  }
  return fault_in_host(entry, scheme, authority);
}

}  // namespace

std::string fault_in(std::string_view list) {
  std::string fault = "it names no origin";
  for_each_entry(list, [&](std::string_view entry) {
    fault = fault_in_entry(entry);
    return fault.empty();
  });
  return fault;
}

AllowList::AllowList(std::string_view list) {
  for_each_entry(list, [this](std::string_view entry) {
    const std::size_t star = entry.find('*');
    if (star == std::string_view::npos) {
      entries_.push_back({std::string(entry), {}});
    } else {
      entries_.push_back({std::string(entry.substr(0, star)), std::string(entry.substr(star + 1))});
    }
    return true;
  });
}

bool AllowList::allows(std::string_view origin) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    if (entry.after.empty()) return origin == entry.before;
    return origin.size() > entry.before.size() + entry.after.size() &&
           origin.starts_with(entry.before) && origin.ends_with(entry.after) &&
           is_name(origin.substr(entry.before.size(),
                                 origin.size() - entry.before.size() - entry.after.size()));
  });
}

}  // namespace crolang::origin
