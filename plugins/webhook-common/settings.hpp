#pragma once
/// The variables that all webhooks share. Threads: any. Errors: read_settings throws during
/// start-up, with a sentence that names the variable.

#include <array>
#include <chrono>
#include <crolang/plugin.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "webhook-common/url.hpp"

namespace crolang::webhook_common {

inline constexpr std::array<crolang_env, 5> kSharedVariables{{
    {"WEBHOOK_TIMEOUT_MS", CROLANG_UINT, 0, "5000",
     "how long a webhook may take to answer, from the question on; 10 to 3600000"},
    {"WEBHOOK_MAX_CONCURRENCY", CROLANG_UINT, 0, "32",
     "connections to a webhook's server, and so requests at once; 1 to 256"},
    {"WEBHOOK_MAX_REPLY_BYTES", CROLANG_UINT, 0, "1048576",
     "longest answer that a webhook may give, in bytes; 1 to 1073741824"},
    {"WEBHOOK_CA_FILE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr,
     "CA certificates (PEM) for https webhooks, instead of the system's"},
    {"WEBHOOK_SIGNING_SECRET", CROLANG_STRING, CROLANG_SECRET | CROLANG_RELOADABLE, nullptr,
     "whsec_<base64>, signs requests (Standard Webhooks); several during a rotation"},
}};

/// The variables that a plugin declares: its own, then those that all webhooks share.
template <std::size_t count>
constexpr auto with_shared_variables(const crolang_env (&own)[count]) {
  std::array<crolang_env, count + kSharedVariables.size()> all{};
  std::copy(std::begin(own), std::end(own), all.begin());
  std::copy(kSharedVariables.begin(), kSharedVariables.end(), all.begin() + count);
  return all;
}

struct Settings {
  std::string variable;  ///< identifies the webhook, also in the log
  Url url;
  std::chrono::milliseconds timeout{5000};
  std::size_t max_connections = 32;
  std::size_t max_reply_bytes = 1'048'576;
  std::string ca_file;          ///< empty: the system's
  std::string signing_secrets;  ///< empty: requests are not signed
};

Settings read_settings(const plugin::Variables& variables, const char* url_variable);

/// Checks every variable that a Webhook reads, and reports all faults.
void check_settings(const plugin::Variables& variables, const char* url_variable,
                    const plugin::Findings& findings);

/// The value of a variable that the plugin declares as CROLANG_UINT.
std::uint64_t read_number(const plugin::Variables& variables, const char* name, std::uint64_t min,
                          std::uint64_t max);

}  // namespace crolang::webhook_common
