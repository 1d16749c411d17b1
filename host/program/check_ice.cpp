#include "program/check_ice.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/cleaning.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"
#include "crolang/small_file.hpp"
#include "ice/configuration.hpp"
#include "ice/report.hpp"
#include "ice/verdict.hpp"
#include "net/ice_check/check.hpp"
#include "plugin_host/choices.hpp"
#include "plugin_host/module_set.hpp"
#include "program/console.hpp"
#include "program/interruption.hpp"
#include "program/rtc_question.hpp"
#include "reload/reloader.hpp"

namespace crolang::program {
namespace {

using config::CheckIce;

constexpr std::string_view kSecretVariable = "TURN_SHARED_SECRET";
constexpr std::chrono::hours kLifetime{4};

struct Secret {
  std::string text{};
  std::string_view name{};  ///< where it is from, for messages
  std::string fault{};
};

ice::Seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

Secret read_secret_file(const std::string& file) {
  constexpr std::size_t kMostBytes = 64 * 1024;
  auto read = read_small_file(file, kMostBytes);
  auto* const good = std::get_if<SmallFile>(&read);
  if (good == nullptr) {
    return {.fault = "--secret-file " + file + " cannot be read: name a file with the secret"};
  }
  return {.text = std::move(good->content), .name = "--secret-file"};
}

/// Of the command line, or else of the environment.
Secret find_secret(const CheckIce& options, const config::Environment& environment) {
  Secret secret{options.secret, "--secret"};
  if (!options.secret_file.empty()) {
    secret = read_secret_file(options.secret_file);
  } else if (options.secret.empty()) {
    const config::Variable variable{.name = std::string(kSecretVariable),
                                    .secrecy = config::Secrecy::secret};
    config::Found found = config::find(environment, variable);
    secret = {std::move(found.text), kSecretVariable,
              found.fault.empty() ? std::string() : variable.name + ": " + found.fault};
    if (secret.text.empty() && secret.fault.empty()) {
      secret.fault =
          "--turn-url needs the secret that the server shares: --secret-file FILE, or "
          "TURN_SHARED_SECRET in the environment";
    }
    return secret;
  }
  const config::Cleaned cleaned = config::clean(secret.text);
  if (secret.fault.empty() && !cleaned.fault.empty()) {
    secret.fault = std::string(secret.name).append(": ").append(cleaned.fault);
  } else if (secret.fault.empty() && cleaned.text.empty()) {
    secret.fault = std::string(secret.name).append(" is empty");
  }
  return {std::string(cleaned.text), secret.name, std::move(secret.fault)};
}

/// What there is to try, and how it was found.
struct Plan {
  ice::Targets servers{};
  std::string secret{};  ///< empty: it is not known
  std::string_view secret_name{};
  ice::NotTried not_tried{};
  ExitCode code = kFine;
};

Plan refuse(ExitCode code, const std::vector<std::string>& faults) {
  print_all(faults);
  Plan plan;
  plan.code = code;
  return plan;
}

Plan plan_of_urls(const CheckIce& options, const config::Environment& environment) {
  Plan plan;
  std::vector<std::string> faults;
  stun::Credentials credentials;
  if (!options.turn_urls.empty()) {
    Secret secret = find_secret(options, environment);
    if (!secret.fault.empty()) faults.push_back(std::move(secret.fault));
    credentials = ice::time_limited(secret.text, options.node, now() + kLifetime);
    plan.secret = std::move(secret.text);
    plan.secret_name = secret.name;
  }
  const auto add = [&](std::string_view option, const std::vector<std::string>& urls,
                       ice::Service service) {
    for (const std::string& url : urls) {
      auto targets = ice::targets_of(url, credentials);
      if (auto* fault = std::get_if<std::string>(&targets)) {
        faults.push_back(std::string(option).append(" ").append(*fault));
        continue;
      }
      for (ice::Target& each : std::get<std::vector<ice::Target>>(targets)) {
        if (each.service != service) {
          faults.push_back(std::string(option).append(" ").append(each.url) +
                           ": is for URLs of the other kind: use --turn-url for turn: and turns:, "
                           "--stun-url for stun: and stuns:");
          break;
        }
        plan.servers.add(std::move(each));
      }
    }
  };
  add("--stun-url", options.stun_urls, ice::Service::stun);
  add("--turn-url", options.turn_urls, ice::Service::turn);
  plan.not_tried = ice::not_tried(plan.servers, {}, 0);
  return faults.empty() ? plan : refuse(kBadConfiguration, faults);
}

/// What this node would get of the configured module.
Plan plan_of_module(const CheckIce& options, const config::Environment& environment,
                    const plugin_host::Lookup& host_lookup,
                    const std::filesystem::path& plugins_dir) {
  plugin_host::Choices choices = plugin_host::resolve_choices(host_lookup, plugins_dir);
  // The others are not needed, and what they need may not be here.
  std::erase_if(choices.chosen,
                [](const auto& each) { return each.kind != kinds::Kind::rtc_config; });
  plugin_host::ModuleSet plugins(choices.chosen);
  const std::vector<config::Variable> plugin_variables = reload::variables_of(plugins);
  const config::Values values(environment, config::merged(plugin_variables));
  config::Loaded loaded = config::load(environment, plugin_variables);
  const plugin_host::CheckResult checked = plugins.check(reload::lookup_in(values), loaded.refused);
  loaded.faults.insert(loaded.faults.end(), checked.faults.begin(), checked.faults.end());
  if (!loaded.faults.empty()) return refuse(kBadConfiguration, loaded.faults);
  if (!choices.refusals.empty()) return refuse(kPluginRefused, choices.refusals);
  if (!plugins.refusals().empty()) return refuse(kPluginRefused, plugins.refusals());

  RtcQuestion question(plugins, reload::lookup_in(values));
  if (!question.refusals().empty()) return refuse(kPluginRefused, question.refusals());
  const RtcQuestion::Answer answer = question.ask(options.node, loaded.settings.plugin_timeout);
  if (!answer.fault.empty()) {
    return refuse(kCannotRun,
                  {"no RTC configuration for the node '" + options.node + "': " + answer.fault +
                   "; if only known nodes get one, name one with --node"});
  }
  Plan plan;
  plan.servers = ice::targets_in(answer.configuration);
  plan.not_tried = ice::not_tried(plan.servers, answer.left_out, answer.turn_left_out);
  const auto declares_secret = [](const config::Variable& each) {
    return each.name == kSecretVariable;
  };
  if (std::ranges::any_of(plugin_variables, declares_secret)) {
    plan.secret = values.find(kSecretVariable).value_or(std::string());
    plan.secret_name = kSecretVariable;
  }
  return plan;
}

}  // namespace

ExitCode check_ice(const CheckIce& options, const config::Environment& environment,
                   const plugin_host::Lookup& host_lookup,
                   const std::filesystem::path& plugins_dir) {
  // OpenSSL writes to the socket without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  const bool has_urls = !options.turn_urls.empty() || !options.stun_urls.empty();
  Plan plan = has_urls ? plan_of_urls(options, environment)
                       : plan_of_module(options, environment, host_lookup, plugins_dir);
  if (plan.code != kFine) return plan.code;
  std::vector<ice::Result> results;
  {
    // Relays are given back first.
    const Interruption interruption;
    results = net::check_ice(plan.servers.all(),
                             {.secret = plan.secret, .stop = interruption.descriptor()});
  }  // here a signal that has come ends the process
  const ice::Circumstances where{now(), plan.secret_name};
  switch (options.format) {
    case CheckIce::Format::table:
      std::cout << ice::report_text(results, where, plan.not_tried);
      break;
    case CheckIce::Format::json:
      std::cout << ice::report_json(results, where, plan.not_tried) << '\n';
      break;
  }
  if (!std::cout.flush()) {
    print_all({"the report cannot be written to standard output"});
    return kCannotRun;
  }
  return ice::judge(results, plan.not_tried.turn_urls).is_good() ? kFine : kCannotRun;
}

}  // namespace crolang::program
