#include "admin_client/address.hpp"

#include <algorithm>
#include <charconv>

namespace crolang::admin_client {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::string fault_of(std::string_view url, std::string_view why) {
  // A password may be in it, so it is not repeated whole.
  const bool has_user = url.find('@') != std::string_view::npos;
  return "--admin-url " + (has_user ? std::string() : "'" + std::string(url) + "' ") +
         std::string(why) + ": write http://host:port";
}

bool is_of_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == ':';
}

}  // namespace

std::string Address::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Address::text() const {
  return (security == Security::tls ? "https://" : "http://") + authority() + prefix;
}

bool Address::is_loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::variant<Address, std::string> parse_url(std::string_view url) {
  Address address;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    address.security = Address::Security::tls;
    address.port = kHttpsPort;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    address.port = kHttpPort;
    rest.remove_prefix(7);
  } else {
    return fault_of(url, "does not begin with http:// or https://");
  }
  if (rest.find('@') != std::string_view::npos) {
    return fault_of(url, "has a user: the token is taken from ADMIN_TOKEN");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return fault_of(url, "has a query");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view prefix = rest.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (std::ranges::any_of(prefix, [](char c) { return c <= ' ' || c == '\x7f'; })) {
    return fault_of(url, "has a blank in its path");
  }
  address.prefix = prefix;

  std::string_view authority = rest.substr(0, slash);
  std::size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return fault_of(url, "has [ without ]");
    address.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    colon = authority.find(':');
    if (colon != 0 && !authority.empty()) return fault_of(url, "has no : before its port");
  } else {
    address.host = authority.substr(0, colon);
    if (address.host.find(':') != std::string::npos) {
      return fault_of(url, "has several colons: write an IPv6 address in [ ]");
    }
  }
  if (address.host.empty() || !std::ranges::all_of(address.host, is_of_host)) {
    return fault_of(url, "has no valid host");
  }
  if (colon == std::string_view::npos) return address;
  const std::string_view port = authority.substr(colon + 1);
  const char* const end = port.data() + port.size();
  const auto [stopped, error] = std::from_chars(port.data(), end, address.port);
  if (error != std::errc() || stopped != end || address.port == 0) {
    return fault_of(url, "has a port that is not a number from 1 to 65535");
  }
  return address;
}

Address local_address(std::string_view bind_address, std::uint16_t port) {
  Address address;
  address.port = port;
  if (bind_address.empty() || bind_address == "0.0.0.0") {
    address.host = "127.0.0.1";
  } else if (bind_address == "::") {
    address.host = "::1";
  } else {
    address.host = bind_address;
  }
  return address;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                               c == '~';
    if (is_unreserved) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

}  // namespace crolang::admin_client
