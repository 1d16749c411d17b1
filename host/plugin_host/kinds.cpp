#include "plugin_host/kinds.hpp"

#include <algorithm>
#include <array>
#include <system_error>

#include "crolang/plugin.h"

namespace crolang::plugin_host {
namespace {

namespace fs = std::filesystem;

#define CROLANG_FUNCTION(table, function) \
  TableFunction {                         \
#function, offsetof(table, function)  \
  }
// A table may grow, so its least size is the end of the last function of its first release.
#define CROLANG_SIZE_TO(table, last) (offsetof(table, last) + sizeof(table::last))

constexpr std::array kRegistry{
    CROLANG_FUNCTION(crolang_registry, bind),
    CROLANG_FUNCTION(crolang_registry, claim),
    CROLANG_FUNCTION(crolang_registry, replace),
    CROLANG_FUNCTION(crolang_registry, announce),
    CROLANG_FUNCTION(crolang_registry, release),
    CROLANG_FUNCTION(crolang_registry, probe),
    CROLANG_FUNCTION(crolang_registry, lookup),
    CROLANG_FUNCTION(crolang_registry, send),
    TableFunction{"flush", offsetof(crolang_registry, flush), true},
    // "presence" is younger: a table may end before it.
};
constexpr std::array kRtcConfig{CROLANG_FUNCTION(crolang_rtc_config, resolve)};
constexpr std::array kAuthentication{CROLANG_FUNCTION(crolang_authentication, authenticate)};
constexpr std::array kAuthorization{CROLANG_FUNCTION(crolang_authorization, authorize)};
constexpr std::array kValidity{CROLANG_FUNCTION(crolang_validity, check)};
constexpr std::array kObserver{CROLANG_FUNCTION(crolang_observer, on_message)};

constexpr std::array kKinds{
    Kind{CROLANG_REGISTRY, CROLANG_SIZE_TO(crolang_registry, flush), kRegistry,
         "NODES_REGISTRY_PLUGIN", "REDIS_URL", "redis-registry", "in memory, one instance",
         Kind::Plugins::one},
    Kind{CROLANG_RTC_CONFIG, CROLANG_SIZE_TO(crolang_rtc_config, resolve), kRtcConfig,
         "RTC_CONFIGURATION_RESOLVER_PLUGIN", "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL",
         "webhook-rtc", "Google's STUN servers", Kind::Plugins::one},
    Kind{CROLANG_AUTHENTICATION, CROLANG_SIZE_TO(crolang_authentication, authenticate),
         kAuthentication, "NODES_AUTHENTICATION_PLUGIN", "NODES_AUTHENTICATION_WEBHOOK_URL",
         "webhook-auth", "every node", Kind::Plugins::one},
    Kind{CROLANG_AUTHORIZATION, CROLANG_SIZE_TO(crolang_authorization, authorize), kAuthorization,
         "AUTHORIZE_NODES_COMMUNICATION_PLUGIN", "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL",
         "webhook-authorize", "every pair", Kind::Plugins::one},
    Kind{CROLANG_VALIDITY, CROLANG_SIZE_TO(crolang_validity, check), kValidity,
         "NODES_VALIDITY_CHECK_PLUGIN", "NODES_VALIDITY_CHECK_WEBHOOK_URL", "webhook-validity",
         "all valid", Kind::Plugins::one},
    Kind{CROLANG_OBSERVER, CROLANG_SIZE_TO(crolang_observer, on_message), kObserver,
         "ON_AUTHENTICATED_SOCKET_MSG_PLUGIN", "ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL",
         "webhook-message", "none", Kind::Plugins::many},
};

std::optional<std::string> value_of(const Lookup& lookup, std::string_view variable) {
  auto value = lookup(variable);
  if (value && value->empty()) return std::nullopt;
  return value;
}

std::vector<std::string> names_in(const Kind& kind, const std::string& value) {
  if (kind.plugins == Kind::Plugins::one) return {value};
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    std::string name = value.substr(begin, end - begin);
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (!name.empty()) names.push_back(std::move(name));
    begin = end + 1;
  }
  return names;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

}  // namespace

std::span<const Kind> kinds() {
  return kKinds;
}

std::vector<std::string_view> bundled_plugins() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.bundled);
  names.insert(names.end(), {"turn-credentials", "jwt-auth"});
  return names;
}

const Kind* find_kind(std::string_view name) {
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == name; });
  return found == kKinds.end() ? nullptr : &*found;
}

std::string kind_names() {
  std::string names;
  for (const Kind& kind : kKinds) {
    if (!names.empty()) names += ", ";
    names += kind.name;
  }
  return names;
}

Choices resolve_choices(const Lookup& lookup, const fs::path& plugins_dir) {
  Choices choices;
  for (const Kind& kind : kKinds) {
    if (const auto named = value_of(lookup, kind.plugin_variable)) {
      const std::string variable(kind.plugin_variable);
      for (const std::string& name : names_in(kind, *named)) {
        const fs::path file =
            name.find('/') == std::string::npos ? plugins_dir / (name + ".so") : fs::path(name);
        if (is_file(file)) {
          choices.chosen.push_back({&kind, file, variable});
        } else {
          choices.refusals.push_back(variable + "=" + name + ": there is no plugin " +
                                     file.string());
        }
      }
    } else if (value_of(lookup, kind.setting)) {
      const std::string variable(kind.setting);
      const fs::path file = plugins_dir / (std::string(kind.bundled) + ".so");
      if (is_file(file)) {
        choices.chosen.push_back({&kind, file, variable});
      } else {
        choices.refusals.push_back(
            variable + " is set, but the plugin that serves it is missing: " + file.string());
      }
    }
  }
  return choices;
}

}  // namespace crolang::plugin_host
