#include "redis-registry/options.hpp"

#include <charconv>
#include <optional>
#include <stdexcept>

namespace crolang::redis_registry {
namespace {

[[noreturn]] void refuse(std::string_view why) {
  throw std::invalid_argument("REDIS_URL: " + std::string(why));
}

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value{};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

constexpr std::string_view kPercent =
    "a percent sign in user or password is not followed by two hex digits: itself it is %25";

// RFC 3986 2.1
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    if (i + 2 >= text.size()) refuse(kPercent);
    const auto [stop, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc{} || stop != text.data() + i + 3) {
      refuse(kPercent);
    }
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

unsigned database_of(std::string_view text) {
  const auto database = number<unsigned>(text);
  if (!database) refuse("the database is a number, as in redis://host:6379/2");
  return *database;
}

void take_credentials(Endpoint& endpoint, std::string_view text) {
  const std::size_t colon = text.find(':');
  endpoint.user = decoded(text.substr(0, colon));
  if (colon != std::string_view::npos) endpoint.password = decoded(text.substr(colon + 1));
  if (!endpoint.user.empty() && endpoint.password.empty()) {
    refuse(
        "a user needs a password, as in redis://user:password@host; one without a user has a "
        "colon before it, as in redis://:password@host");
  }
}

// RFC 3986 3.2.2: an IPv6 address stands in brackets.
void take_host_and_port(Endpoint& endpoint, std::string_view text) {
  std::size_t host_end = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) refuse("the bracket of the address is not closed");
    endpoint.host = text.substr(1, bracket - 1);
    host_end = bracket + 1 < text.size() ? bracket + 1 : std::string_view::npos;
    if (host_end != std::string_view::npos && text[host_end] != ':')
      refuse("no port follows the address");
  } else {
    endpoint.host = text.substr(0, host_end);
  }
  if (endpoint.host.empty()) endpoint.host = "localhost";
  if (host_end == std::string_view::npos) return;
  const auto port = number<std::uint16_t>(text.substr(host_end + 1));
  if (!port || *port == 0) refuse("the port is not a number from 1 to 65535");
  endpoint.port = *port;
}

Endpoint parse_unix(std::string_view rest) {
  Endpoint endpoint;
  if (const std::size_t at = rest.substr(0, rest.find('/')).rfind('@');
      at != std::string_view::npos) {
    take_credentials(endpoint, rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  const std::size_t query = rest.find('?');
  endpoint.path = rest.substr(0, query);
  if (!endpoint.path.starts_with('/'))
    refuse("a unix socket is named by its path, as in unix:///run/redis.sock");
  if (query == std::string_view::npos) return endpoint;
  rest.remove_prefix(query + 1);
  if (!rest.starts_with("db="))
    refuse("the only parameter of unix:// is db, as in unix:///run/redis.sock?db=2");
  endpoint.database = database_of(rest.substr(3));
  return endpoint;
}

std::chrono::milliseconds parse_lock_ttl(std::string_view text) {
  constexpr std::uint32_t kShortest = 1000;
  constexpr std::uint32_t kLongest = 24 * 3600 * 1000;
  const auto ttl = number<std::uint32_t>(text);
  if (!ttl || *ttl < kShortest || *ttl > kLongest) {
    throw std::invalid_argument("REDIS_LOCK_TTL_MS: " + std::string(text) +
                                " is not a number from 1000 to 86400000");
  }
  return std::chrono::milliseconds(*ttl);
}

std::string parse_key_prefix(std::string_view text) {
  if (text.size() > 256) {
    throw std::invalid_argument("REDIS_KEY_PREFIX: is longer than 256 bytes");
  }
  return std::string(text);
}

}  // namespace

std::string Endpoint::name() const {
  if (host.empty()) return path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Endpoint::is_same_place(const Endpoint& other) const {
  return host == other.host && port == other.port && path == other.path &&
         database == other.database;
}

Endpoint parse_url(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) refuse("is not a URL, as redis://host:6379 is");
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  if (scheme == "unix") return parse_unix(rest);
  if (scheme == "rediss") {
    refuse(
        "rediss:// needs hiredis 1.0 or later with TLS, which this build does not have: use "
        "redis:// through a TLS tunnel such as stunnel");
  }
  if (scheme != "redis") {
    refuse("the scheme is redis:// or unix:// (Sentinel and Cluster are not spoken), not " +
           std::string(scheme.substr(0, 16)) + "://");
  }

  Endpoint endpoint;
  // The last one, since a password may hold others.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    take_credentials(endpoint, rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  if (rest.find_first_of("?#") != std::string_view::npos)
    refuse("redis:// takes no parameters: the database is the path, as in redis://host:6379/2");
  const std::size_t slash = rest.find('/');
  take_host_and_port(endpoint, rest.substr(0, slash));
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    endpoint.database = database_of(rest.substr(slash + 1));
  }
  return endpoint;
}

Options parse_options(std::string_view url, std::string_view key_prefix,
                      std::string_view lock_ttl_ms) {
  return {parse_url(url), parse_key_prefix(key_prefix), parse_lock_ttl(lock_ttl_ms)};
}

void check_options(std::string_view url, std::string_view key_prefix, std::string_view lock_ttl_ms,
                   const plugin::Findings& findings) {
  findings.expect_no_throw([&] { parse_url(url); });
  findings.expect_no_throw([&] { parse_key_prefix(key_prefix); });
  findings.expect_no_throw([&] { parse_lock_ttl(lock_ttl_ms); });
}

}  // namespace crolang::redis_registry
