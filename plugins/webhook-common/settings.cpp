#include "webhook-common/settings.hpp"

#include <charconv>
#include <stdexcept>

namespace crolang::webhook_common {

std::uint64_t read_number(const plugin::Host& host, const char* variable, std::uint64_t min,
                          std::uint64_t max) {
  const std::string_view text = host.env(variable);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < min || number > max) {
    throw std::invalid_argument(std::string(variable) + "=" + std::string(text) +
                                ": must be a whole number from " + std::to_string(min) + " to " +
                                std::to_string(max));
  }
  return number;
}

Settings read_settings(const plugin::Host& host, const char* url_variable) {
  Settings settings;
  settings.variable = url_variable;
  settings.url = read_url(url_variable, host.env(url_variable));
  settings.timeout =
      std::chrono::milliseconds(read_number(host, "WEBHOOK_TIMEOUT_MS", 10, 3'600'000));
  settings.max_connections = read_number(host, "WEBHOOK_MAX_CONCURRENCY", 1, 256);
  settings.max_reply_bytes = read_number(host, "WEBHOOK_MAX_REPLY_BYTES", 1, 1u << 30u);
  settings.ca_file = host.env("WEBHOOK_CA_FILE");
  settings.signing_secrets = host.env("WEBHOOK_SIGNING_SECRET");
  return settings;
}

}  // namespace crolang::webhook_common
