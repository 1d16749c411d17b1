#include "config/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "config/advice.hpp"

namespace crolang::config {
namespace {

constexpr std::array<std::string_view, 4> kOptions{"--help", "--version", "--check-config",
                                                   "--print-config"};
constexpr std::array<std::string_view, 6> kCheckIceOptions{
    "--node", "--json", "--turn-url", "--stun-url", "--secret", "--secret-file"};
constexpr std::array<std::string_view, 7> kAdminCommands{
    "instances", "nodes", "disconnect", "refused-ids", "allow", "drain", "negotiations"};
constexpr std::array<std::string_view, 11> kAdminOptions{
    "--admin-url", "--json",   "--prefix", "--limit", "--grid", "--for",
    "--reconnect", "--reason", "--cancel", "--node",  "--state"};

bool is_admin_command(std::string_view word) {
  return std::ranges::find(kAdminCommands, word) != kAdminCommands.end();
}

std::string advice_on_options(std::string_view command, std::span<const std::string_view> words,
                              std::span<const Variable> known) {
  if (command == "check-ice") return advice_on(words, kCheckIceOptions, {});
  if (is_admin_command(command)) return advice_on(words, kAdminOptions, {});
  return advice_on(words, kOptions, known);
}

std::string usage_fault(int argc, const char* const* argv, const CLI::ParseError& error,
                        std::span<const Variable> known) {
  // The other errors name the missing argument.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
  const std::string_view command = words.front();
  const bool is_command = command == "plugins" || command == "healthcheck" ||
                          command == "check-ice" || is_admin_command(command);
  if (is_command)
    std::erase_if(words, [](std::string_view word) { return !word.starts_with('-'); });
  // --turn-urls is meant for an option of check-ice, not for the variable TURN_URLS.
  std::string advice = advice_on_options(command, words, known);
  if (!advice.empty()) return advice;
  return std::string(error.what()) +
         ": the broker runs without arguments, see crolang-broker --help";
}

/// The options of check-ice. Values of other options must not be taken for commands, so it has no
/// fallthrough.
CLI::App* add_check_ice(CLI::App& app, CheckIce& options) {
  CLI::App* const command = app.add_subcommand("check-ice");
  command->add_option("--node", options.node);
  // One value each; the option may be repeated.
  CLI::Option* const turn =
      command->add_option("--turn-url", options.turn_urls)->allow_extra_args(false);
  command->add_option("--stun-url", options.stun_urls)->allow_extra_args(false);
  CLI::Option* const secret = command->add_option("--secret", options.secret)->needs(turn);
  command->add_option("--secret-file", options.secret_file)->needs(turn)->excludes(secret);
  command->add_flag_callback("--json", [&options] { options.format = CheckIce::Format::json; });
  return command;
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv, std::span<const Variable> known) {
  using Kind = Command::Kind;
  CLI::App app;
  // After a command its name has no meaning of its own: a node may be called like one.
  app.require_subcommand(0, 1);
  app.set_help_flag("");  // --help is ours: it lists the variables, which CLI11 does not know

  const std::array<std::pair<CLI::Option*, Kind>, 5> flags{{
      {app.add_flag("-h,--help"), Kind::help},
      {app.add_flag("--version"), Kind::version},
      {app.add_flag("--check-config"), Kind::check_config},
      {app.add_flag("--print-config"), Kind::print_config},
      {app.add_flag("--print-config-markdown"), Kind::print_markdown},
  }};
  Command command;
  CLI::App* const plugins = app.add_subcommand("plugins")->fallthrough();
  CLI::App* const check = plugins->add_subcommand("check")->fallthrough();
  check->add_option("FILE", command.file)->required();
  CLI::App* const healthcheck = app.add_subcommand("healthcheck")->fallthrough();
  CLI::App* const check_ice = add_check_ice(app, command.check_ice);
  const std::vector<CLI::App*> admin = add_admin_commands(app, command.admin);

  // Help takes precedence over all other arguments, valid or not.
  for (int i = 1; i < argc; ++i)
    if (const std::string_view word(argv[i]); word == "-h" || word == "--help")
      return {.kind = Kind::help};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {.kind = Kind::usage_error, .error = usage_fault(argc, argv, error, known)};
  }

  std::vector<Kind> chosen;
  for (const auto& [flag, kind] : flags)
    if (flag->count() > 0) chosen.push_back(kind);
  if (plugins->parsed())
    chosen.push_back(check->parsed() ? Kind::plugins_check : Kind::plugins_list);
  if (healthcheck->parsed()) chosen.push_back(Kind::healthcheck);
  if (check_ice->parsed()) chosen.push_back(Kind::check_ice);
  for (const CLI::App* each : admin)
    if (each->parsed()) chosen.push_back(Kind::admin);
  if (chosen.size() > 1)
    return {.kind = Kind::usage_error, .error = "only one of the options can be used at a time"};
  if (!chosen.empty()) command.kind = chosen.front();
  return command;
}

}  // namespace crolang::config
