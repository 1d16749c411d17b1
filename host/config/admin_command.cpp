#include "config/admin_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <optional>

namespace crolang::config {
namespace {

using Name = AdminCommand::Name;

constexpr std::chrono::seconds kMostSeconds{31'536'000};
constexpr std::uint64_t kMostNegotiations = 1000;

/// "90", "90s", "10m", "2h", "7d"
std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  std::int64_t unit = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 's':
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      default:  // no enum: a digit, or a fault
        unit = 0;
        break;
    }
    if (unit != 0) text.remove_suffix(1);
  }
  unit = std::max<std::int64_t>(unit, 1);
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end || number < 1 ||
      number > kMostSeconds.count() / unit) {
    return std::nullopt;
  }
  return std::chrono::seconds(number * unit);
}

std::string not_empty(const std::string& text) {
  return text.empty() ? "it is empty" : std::string();
}

CLI::App* add(CLI::App& app, AdminCommand& command, const char* word, Name name) {
  CLI::App* const added = app.add_subcommand(word);
  added->add_option("--admin-url", command.url)->check(not_empty);
  added->add_flag_callback("--json", [&command] { command.format = AdminCommand::Format::json; });
  added->callback([&command, name] { command.name = name; });
  return added;
}

void add_nodes(CLI::App& nodes, AdminCommand& command) {
  CLI::Option* const id = nodes.add_option("ID", command.id)->check(not_empty);
  nodes.add_option("--prefix", command.prefix)->check(not_empty)->excludes(id);
  nodes.add_option("--limit", command.limit)
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->excludes(id);
  nodes.add_flag_callback("--grid", [&command] { command.scope = AdminCommand::Scope::grid; })
      ->excludes(id);
}

void add_disconnect(CLI::App& disconnect, AdminCommand& command) {
  disconnect.add_option("ID", command.id)->check(not_empty)->required();
  const auto set_duration = [&command](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) {
      throw CLI::ValidationError("--for", "'" + text +
                                              "' is no duration from 1s to 365d: write 90s, 10m, "
                                              "2h or 7d");
    }
    command.refuse_for = *duration;
  };
  CLI::Option* const refuse = disconnect.add_option_function<std::string>("--for", set_duration);
  disconnect
      .add_flag_callback("--reconnect",
                         [&command] { command.close = AdminCommand::Close::to_reconnect; })
      ->excludes(refuse);
  disconnect.add_option("--reason", command.reason)->check(not_empty);
}

void add_negotiations(CLI::App& negotiations, AdminCommand& command) {
  CLI::Option* const id = negotiations.add_option("ID", command.id)->check(not_empty);
  negotiations.add_option("--node", command.node)->check(not_empty)->excludes(id);
  negotiations.add_option("--state", command.state)
      ->check(CLI::IsMember({"attempting", "answered", "refused", "notAllowed", "unanswered",
                             "notConnected", "unauthorized", "failed"}))
      ->excludes(id);
  negotiations.add_option("--limit", command.limit)
      ->check(CLI::Range(std::uint64_t{1}, kMostNegotiations))
      ->excludes(id);
}

}  // namespace

std::vector<CLI::App*> add_admin_commands(CLI::App& app, AdminCommand& command) {
  CLI::App* const instances = add(app, command, "instances", Name::instances);
  CLI::App* const nodes = add(app, command, "nodes", Name::nodes);
  add_nodes(*nodes, command);
  CLI::App* const disconnect = add(app, command, "disconnect", Name::disconnect);
  add_disconnect(*disconnect, command);
  CLI::App* const refused_ids = add(app, command, "refused-ids", Name::refused_ids);
  CLI::App* const allow = add(app, command, "allow", Name::allow);
  allow->add_option("ID", command.id)->check(not_empty)->required();
  CLI::App* const drain = add(app, command, "drain", Name::drain);
  drain->add_flag_callback("--cancel", [&command] { command.drain = AdminCommand::Drain::cancel; });
  CLI::App* const negotiations = add(app, command, "negotiations", Name::negotiations);
  add_negotiations(*negotiations, command);
  return {instances, nodes, disconnect, refused_ids, allow, drain, negotiations};
}

}  // namespace crolang::config
