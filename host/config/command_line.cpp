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

std::string usage_fault(int argc, const char* const* argv, const CLI::ParseError& error,
                        std::span<const Variable> known) {
  // The other faults name what they miss.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
  if (const std::string_view command = words.front();
      command == "plugins" || command == "healthcheck")
    std::erase_if(words, [](std::string_view word) { return !word.starts_with('-'); });
  std::string advice = advice_on(words, kOptions, known);
  if (!advice.empty()) return advice;
  return std::string(error.what()) + ": it runs without arguments, see crolang-broker --help";
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv, std::span<const Variable> known) {
  using Kind = Command::Kind;
  CLI::App app;
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

  // Help is given whatever else is asked for, right or wrong.
  for (int i = 1; i < argc; ++i)
    if (const std::string_view word(argv[i]); word == "-h" || word == "--help") return {Kind::help};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {Kind::usage_error, {}, usage_fault(argc, argv, error, known)};
  }

  std::vector<Kind> chosen;
  for (const auto& [flag, kind] : flags)
    if (flag->count() > 0) chosen.push_back(kind);
  if (plugins->parsed())
    chosen.push_back(check->parsed() ? Kind::plugins_check : Kind::plugins_list);
  if (healthcheck->parsed()) chosen.push_back(Kind::healthcheck);
  if (chosen.size() > 1)
    return {Kind::usage_error, {}, "only one of the options can be used at a time"};
  if (!chosen.empty()) command.kind = chosen.front();
  return command;
}

}  // namespace crolang::config
