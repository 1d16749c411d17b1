/// The RTC configuration of a node: the operator's servers, with individual credentials.
/// Threads: any; immutable after construction. Errors: the constructor throws std::invalid_argument
/// with a sentence that names the variable and its value.
#pragma once

#include <chrono>
#include <crolang/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "turn-credentials/credentials.hpp"

namespace crolang::turn_credentials {

/// The values of the plugin's variables.
struct Settings {
  std::string_view turn_urls;
  std::string_view stun_urls;
  std::string_view secret;
  std::string_view credential_ttl_s;
  std::string_view username;
  std::string_view ice_transport_policy;
};

/// Validates each value independently, by the same rules as the constructor of Configuration.
void check(const Settings& settings, const plugin::Findings& findings);

class Configuration {
 public:
  explicit Configuration(const Settings& settings);

  /// The JSON for rtc-config/1.
  std::string for_node(std::string_view node, std::chrono::sys_seconds now) const;

 private:
  std::vector<std::string> turn_urls_;
  std::vector<std::string> stun_urls_;
  std::string secret_;
  std::chrono::seconds credential_ttl_;
  Username username_;
  std::string ice_transport_policy_;
};

}  // namespace crolang::turn_credentials
