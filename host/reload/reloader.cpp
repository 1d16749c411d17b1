#include "reload/reloader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "config/settings.hpp"
#include "telemetry/log.hpp"

namespace crolang::reload {
namespace {

// The host's own variables that can change while it runs.
constexpr std::array<std::string_view, 2> kChangeable{"ADMIN_TOKEN", "LOG_LEVEL"};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

enum class Change { taken_over, needs_restart };

/// What a changed value of the variable leads to. Both, if two plugins read it and only one of them
/// applies it while running.
std::vector<Change> changes_of(std::string_view name, const plugin_host::ModuleSet& plugins) {
  if (std::ranges::find(kChangeable, name) != kChangeable.end()) return {Change::taken_over};
  bool takes_over = false;
  bool keeps = false;
  for (const crolang_plugin* plugin : plugins.plugins()) {
    for (std::size_t i = 0; i < plugin->env_count; ++i) {
      const crolang_env& variable = plugin->env[i];
      if (variable.name != name) continue;
      (plugin_host::takes_over(*plugin, variable) ? takes_over : keeps) = true;
    }
  }
  std::vector<Change> changes;
  if (takes_over) changes.push_back(Change::taken_over);
  if (keeps || !takes_over) changes.push_back(Change::needs_restart);
  return changes;
}

}  // namespace

void log(const Outcome& outcome) {
  namespace log = telemetry::log;
  for (const std::string& warning : outcome.warnings) log::warning(warning);
  for (const std::string& fault : outcome.faults) log::error(fault);
  if (!outcome.faults.empty()) {
    log::error("SIGHUP: the configuration is invalid, the previous values stay in use",
               {{"faults", static_cast<std::uint64_t>(outcome.faults.size())}});
    return;
  }
  const std::string changed = outcome.taken_over.empty() ? "nothing" : listed(outcome.taken_over);
  log::info("SIGHUP: the configuration was read again", {{"changed", changed}});
  if (outcome.need_restart.empty()) return;
  const std::string names = listed(outcome.need_restart);
  log::warning("SIGHUP: some changed variables need a restart", {{"variables", names}});
}

Reloader::Reloader(Read read, config::Values in_use, plugin_host::ModuleSet& plugins,
                   std::vector<config::BundledVariable> bundled)
    : read_(std::move(read)),
      in_use_(std::move(in_use)),
      plugins_(plugins),
      bundled_(std::move(bundled)) {}

Outcome Reloader::reload(CertificateRenewal* certificates) {
  const config::Environment environment = read_();
  const std::vector<config::Variable> plugin_variables = variables_of(plugins_);
  const std::vector<config::Variable> all = config::merged(plugin_variables);
  const config::Values next(environment, all);
  config::Loaded loaded = config::load(environment, plugin_variables, bundled_);
  plugin_host::CheckResult checked = plugins_.check(lookup_in(next), loaded.refused);

  Outcome outcome{std::move(loaded.faults), std::move(loaded.warnings), {}, {}};
  append(outcome.faults, std::move(checked.faults));
  append(outcome.warnings, std::move(checked.warnings));
  Certificates::Reading reading;
  if (certificates != nullptr) {
    reading = certificates->read();
    append(outcome.faults, std::move(reading.files.faults));
    append(outcome.warnings, std::move(reading.files.warnings));
  }
  if (!outcome.faults.empty()) return outcome;

  config::Values taken = in_use_;
  for (const config::Variable& variable : all) {
    if (next.is_same(variable.name, in_use_)) continue;
    for (const Change change : changes_of(variable.name, plugins_)) {
      if (change == Change::needs_restart) {
        outcome.need_restart.push_back(variable.name);
      } else {
        outcome.taken_over.push_back(variable.name);
        taken.take(variable.name, next);
      }
    }
  }
  if (certificates != nullptr) certificates->use(std::move(reading));
  plugins_.reload(lookup_in(next));
  telemetry::log::set_level(static_cast<telemetry::log::Level>(loaded.settings.log_level));
  in_use_ = std::move(taken);
  return outcome;
}

std::vector<config::Variable> variables_of(const plugin_host::ModuleSet& plugins) {
  std::vector<config::Variable> variables;
  for (const crolang_plugin* plugin : plugins.plugins()) {
    for (std::size_t i = 0; i < plugin->env_count; ++i) {
      variables.push_back(config::from_plugin(plugin->env[i], plugin->id));
    }
  }
  return variables;
}

plugin_host::Lookup lookup_in(const config::Values& values) {
  return [&values](std::string_view name) { return values.find(name); };
}

}  // namespace crolang::reload
