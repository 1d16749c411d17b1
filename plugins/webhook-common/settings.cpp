#include "webhook-common/settings.hpp"

#include <charconv>
#include <stdexcept>

#include "webhook-common/signer.hpp"
#include "webhook-common/tls_context.hpp"

namespace crolang::webhook_common {
namespace {

std::chrono::milliseconds read_timeout(const plugin::Variables& variables) {
  return std::chrono::milliseconds(read_number(variables, "WEBHOOK_TIMEOUT_MS", 10, 3'600'000));
}
std::size_t read_max_connections(const plugin::Variables& variables) {
  return read_number(variables, "WEBHOOK_MAX_CONCURRENCY", 1, 256);
}
std::size_t read_max_reply_bytes(const plugin::Variables& variables) {
  return read_number(variables, "WEBHOOK_MAX_REPLY_BYTES", 1, 1u << 30u);
}

}  // namespace

std::uint64_t read_number(const plugin::Variables& variables, const char* name, std::uint64_t min,
                          std::uint64_t max) {
  const std::string_view text = variables.env(name);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < min || number > max) {
    throw std::invalid_argument(std::string(name) + "=" + std::string(text) +
                                ": must be a whole number from " + std::to_string(min) + " to " +
                                std::to_string(max));
  }
  return number;
}

Settings read_settings(const plugin::Variables& variables, const char* url_variable) {
  Settings settings;
  settings.variable = url_variable;
  settings.url = read_url(url_variable, variables.env(url_variable));
  settings.timeout = read_timeout(variables);
  settings.max_connections = read_max_connections(variables);
  settings.max_reply_bytes = read_max_reply_bytes(variables);
  settings.ca_file = variables.env("WEBHOOK_CA_FILE");
  settings.signing_secrets = variables.env("WEBHOOK_SIGNING_SECRET");
  return settings;
}

void check_settings(const plugin::Variables& variables, const char* url_variable,
                    const plugin::Findings& findings) {
  findings.expect_no_throw([&] { read_url(url_variable, variables.env(url_variable)); });
  findings.expect_no_throw([&] { read_timeout(variables); });
  findings.expect_no_throw([&] { read_max_connections(variables); });
  findings.expect_no_throw([&] { read_max_reply_bytes(variables); });
  findings.expect_no_throw([&] { check_ca_file(std::string(variables.env("WEBHOOK_CA_FILE"))); });
  findings.expect_no_throw([&] { Signer(variables.env("WEBHOOK_SIGNING_SECRET")); });
}

}  // namespace crolang::webhook_common
