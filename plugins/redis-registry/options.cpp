#include "redis-registry/options.hpp"

#include <charconv>
#include <optional>
#include <stdexcept>

namespace crolang::redis_registry {
namespace {

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value{};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
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

unsigned parse_wait_replicas(std::string_view text) {
  constexpr unsigned kMost = 100;
  const auto replicas = number<unsigned>(text);
  if (!replicas || *replicas > kMost) {
    throw std::invalid_argument("REDIS_WAIT_REPLICAS: " + std::string(text) +
                                " is not a number from 0 to 100");
  }
  return *replicas;
}

Login sentinel_login(const plugin::Variables& variables) {
  Login login{std::string(variables.env("REDIS_SENTINEL_USER")),
              std::string(variables.env("REDIS_SENTINEL_PASSWORD"))};
  if (!login.user.empty() && login.password.empty()) {
    throw std::invalid_argument(
        "REDIS_SENTINEL_USER: a user needs a password: set REDIS_SENTINEL_PASSWORD as well");
  }
  return login;
}

TlsFiles tls_files(const plugin::Variables& variables) {
  return {std::string(variables.env("REDIS_CA_FILE")),
          std::string(variables.env("REDIS_CERT_FILE")),
          std::string(variables.env("REDIS_KEY_FILE"))};
}

}  // namespace

std::string describe_prefix_in_cluster(std::string_view key_prefix) {
  if (key_prefix.find('{') == std::string_view::npos) return {};
  return "REDIS_KEY_PREFIX: " + std::string(key_prefix) +
         " contains {, by which a cluster finds the slot of a key: what one master should have a "
         "part of may all be at one, so choose a prefix without it";
}

Options parse_options(std::string_view url, std::string_view key_prefix,
                      std::string_view lock_ttl_ms) {
  return {parse_url(url), {}, nullptr, parse_key_prefix(key_prefix), parse_lock_ttl(lock_ttl_ms)};
}

Options read_options(const plugin::Variables& variables) {
  Options options = parse_options(variables.env("REDIS_URL"), variables.env("REDIS_KEY_PREFIX"),
                                  variables.env("REDIS_LOCK_TTL_MS"));
  options.sentinel = sentinel_login(variables);
  options.wait_replicas = parse_wait_replicas(variables.env("REDIS_WAIT_REPLICAS"));
  // Reading the system's CA certificates takes about 50 ms.
  if (options.endpoint.tls) options.tls = make_tls_context(tls_files(variables));
  return options;
}

void check_options(const plugin::Variables& variables, const plugin::Findings& findings) {
  const std::string_view url = variables.env("REDIS_URL");
  findings.expect_no_throw([&] { parse_url(url); });
  findings.expect_no_throw([&] { parse_key_prefix(variables.env("REDIS_KEY_PREFIX")); });
  findings.expect_no_throw([&] { parse_lock_ttl(variables.env("REDIS_LOCK_TTL_MS")); });
  findings.expect_no_throw([&] { sentinel_login(variables); });
  findings.expect_no_throw([&] { parse_wait_replicas(variables.env("REDIS_WAIT_REPLICAS")); });
  const TlsFiles files = tls_files(variables);
  if (files.empty()) return;
  findings.expect_no_throw([&] { make_tls_context(files); });
  if (!url.starts_with("rediss:")) {
    findings.warning(
        "REDIS_CA_FILE, REDIS_CERT_FILE and REDIS_KEY_FILE have no effect without TLS: write "
        "REDIS_URL=rediss://…");
  }
}

}  // namespace crolang::redis_registry
