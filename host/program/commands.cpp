#include "program/commands.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "config/environment.hpp"
#include "config/print.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"
#include "config/version.hpp"
#include "net/healthcheck.hpp"
#include "plugin_host/choices.hpp"
#include "plugin_host/describe.hpp"
#include "plugin_host/module_set.hpp"
#include "program/admin_command.hpp"
#include "program/application.hpp"
#include "program/check_ice.hpp"
#include "program/configuration.hpp"
#include "program/console.hpp"
#include "program/server_options.hpp"
#include "reload/certificates.hpp"
#include "reload/reloader.hpp"

namespace crolang::program {

namespace fs = std::filesystem;

namespace {

// Less than the usual timeout of a docker HEALTHCHECK.
constexpr std::chrono::seconds kHealthcheckTimeout{3};

void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

/// Loads the certificates if there are any, and adds what is wrong with them.
void load_certificates(std::optional<reload::Certificates>& certificates, config::Loaded& loaded) {
  const config::TlsSettings& tls = loaded.settings.tls;
  // One without the other is among the faults.
  if (tls.certificate_files.empty() || tls.key_files.empty()) return;
  certificates.emplace(server_files(tls), std::chrono::steady_clock::now());
  reload::Certificates::Reading reading = certificates->read(std::chrono::system_clock::now());
  append(loaded.warnings, std::move(reading.files.warnings));
  if (reading.files.faults.empty()) {
    certificates->use(std::move(reading));
  } else {
    append(loaded.faults, std::move(reading.files.faults));
  }
}

ExitCode report(const plugin_host::Report& report) {
  std::cout << report.text;
  return report.outcome == plugin_host::Report::Outcome::fine ? kFine : kPluginRefused;
}

/// For docker's HEALTHCHECK, which reserves all exit codes but 0 and 1.
ExitCode check_health(const config::Environment& environment) {
  const config::Loaded loaded = config::load(environment, {});
  print_all(loaded.faults);
  if (!loaded.faults.empty()) return kCannotRun;
  const auto target = health_target(loaded.settings);
  if (!target) {
    print_all(
        {"healthcheck has no certificate, and with TLS_CLIENT_CA_FILE the broker answers nobody "
         "without one on PORT: set PLAIN_PORT, and it asks there"});
    return kCannotRun;
  }
  // OpenSSL writes to the socket without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  const net::Health health = net::ask_health(*target, kHealthcheckTimeout);
  if (health.state == net::Health::State::unhealthy) {
    print_all({health.text});
    return kCannotRun;
  }
  std::cout << health.text << '\n';
  return kFine;
}

/// The chosen plugins, and the configuration validated with the variables that they read, for all
/// commands that need it.
ExitCode configure(config::Command::Kind command, const config::Environment& environment,
                   const plugin_host::Lookup& host_lookup, const fs::path& plugins_dir) {
  using Kind = config::Command::Kind;
  const plugin_host::Choices choices = plugin_host::resolve_choices(host_lookup, plugins_dir);
  plugin_host::ModuleSet plugins(choices.chosen);
  const std::vector<config::Variable> plugin_variables = reload::variables_of(plugins);
  if (command == Kind::print_config) {
    std::cout << config::config_text(environment, plugin_variables);
  }
  const config::Values values(environment, config::merged(plugin_variables));
  const bool all_loaded = choices.refusals.empty() && plugins.refusals().empty();
  config::Loaded loaded =
      config::load(environment, plugin_variables,
                   all_bundled_variables(all_loaded ? Chosen::loaded : Chosen::refused));
  plugin_host::CheckResult checked = plugins.check(reload::lookup_in(values), loaded.refused);
  append(loaded.faults, std::move(checked.faults));
  append(loaded.warnings, std::move(checked.warnings));
  std::optional<reload::Certificates> certificates;
  load_certificates(certificates, loaded);
  print_warnings(loaded.warnings);
  print_all(loaded.faults);
  print_all(choices.refusals);
  print_all(plugins.refusals());
  if (!loaded.faults.empty()) return kBadConfiguration;
  if (!all_loaded) return kPluginRefused;
  if (command == Kind::check_config)
    std::cout << "the configuration is valid (.env: " << dotenv_location() << ")\n";
  if (command != Kind::run) return kFine;
  Application application(loaded, plugins, values, certificates ? &*certificates : nullptr);
  return application.run();
}

}  // namespace

ExitCode run(const config::Command& command) {
  const config::Environment environment = read_environment();
  const config::Values host_values(environment, config::variables());
  const plugin_host::Lookup host_lookup = reload::lookup_in(host_values);
  const fs::path plugins_dir = host_lookup("PLUGINS_DIR").value_or(default_plugins_dir().string());

  switch (command.kind) {
    case config::Command::Kind::help:
      std::cout << config::help_text(bundled_variables(plugins_dir));
      return kFine;
    case config::Command::Kind::version:
      std::cout << "crolang-broker " << config::version() << '\n';
      return kFine;
    case config::Command::Kind::print_markdown:
      std::cout << config::markdown_table() << '\n'
                << config::plugin_markdown_table(bundled_variables(plugins_dir));
      return kFine;
    case config::Command::Kind::plugins_list:
      return report(plugin_host::describe_folder(plugins_dir));
    case config::Command::Kind::plugins_check:
      return report(plugin_host::describe_file(command.file));
    case config::Command::Kind::healthcheck:
      return check_health(environment);
    case config::Command::Kind::check_ice:
      return check_ice(command.check_ice, environment, host_lookup, plugins_dir);
    case config::Command::Kind::admin:
      return ask_admin(command.admin, environment);
    case config::Command::Kind::usage_error:
      print_all({command.error});
      return kBadConfiguration;
    case config::Command::Kind::run:
    case config::Command::Kind::check_config:
    case config::Command::Kind::print_config:
      break;
  }
  return configure(command.kind, environment, host_lookup, plugins_dir);
}

}  // namespace crolang::program
