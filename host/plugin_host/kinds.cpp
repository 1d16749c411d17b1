#include "plugin_host/kinds.hpp"

#include <algorithm>
#include <array>
#include <system_error>

#include "crolang/plugin.h"
#include "text/similarity.hpp"

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

std::vector<std::string> plugins_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".so") names.push_back(at->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string cannot_be_read(const fs::path& folder, const std::error_code& error) {
  return "; " + folder.string() + " (PLUGINS_DIR) cannot be read: " + error.message();
}

/// jwt_auth, JWT-Auth and jwt-auth.so mean jwt-auth.
std::string bare(std::string_view name) {
  if (name.ends_with(".so")) name.remove_suffix(3);
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (c != '_' && c != '-' && c != ' ') {
      out += c;
    }
  }
  return out;
}

/// Also one of the two that is only a part of the other: "jwt" for "jwt-auth".
bool is_near(std::string_view name, std::string_view known) {
  constexpr std::size_t kSlips = 2;
  constexpr std::size_t kPart = 3;
  const std::string a = bare(name);
  const std::string b = bare(known);
  return text::edit_distance(a, b) <= std::min(kSlips, b.size() / 3) ||
         (a.size() >= kPart && b.find(a) != std::string::npos) ||
         (b.size() >= kPart && a.find(b) != std::string::npos);
}

/// The end of the sentence that a plugin is not there.
std::string others_than(std::string_view name, const fs::path& folder) {
  std::error_code error;
  const std::vector<std::string> names = plugins_in(folder, error);
  if (error) return cannot_be_read(folder, error);
  if (names.empty()) return "; there are none in " + folder.string() + " (PLUGINS_DIR)";
  const bool is_path = name.find('/') != std::string_view::npos;
  std::string near;
  std::string all;
  for (const std::string& each : names) {
    if (!is_path && is_near(name, each)) near += (near.empty() ? "" : " or ") + each;
    all += (all.empty() ? "" : ", ") + each;
  }
  if (!near.empty()) return ": did you mean " + near + "? There are: " + all;
  return (is_path ? "; by name there are: " : "; there are: ") + all;
}

}  // namespace

std::span<const Kind> kinds() {
  return kKinds;
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
                                     file.string() + others_than(name, plugins_dir));
        }
      }
    } else if (value_of(lookup, kind.setting)) {
      const std::string variable(kind.setting);
      const fs::path file = plugins_dir / (std::string(kind.bundled) + ".so");
      if (is_file(file)) {
        choices.chosen.push_back({&kind, file, variable});
      } else {
        std::error_code error;
        plugins_in(plugins_dir, error);
        choices.refusals.push_back(
            variable + " is set, but the plugin that serves it is missing: " + file.string() +
            (error ? cannot_be_read(plugins_dir, error) : ": is PLUGINS_DIR right?"));
      }
    }
  }
  return choices;
}

}  // namespace crolang::plugin_host
