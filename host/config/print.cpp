#include "config/print.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "text/lines.hpp"

namespace crolang::config {
namespace {

constexpr std::string_view kUsage = R"(Signalling broker for WebRTC nodes.

Usage:
  crolang-broker                      run; configured by environment variables and a .env file here
  crolang-broker --help               this text
  crolang-broker --version            the version
  crolang-broker --check-config       validate the configuration, start nothing
  crolang-broker --print-config       show every variable and where its value comes from
  crolang-broker plugins              show which plugins there are and which are chosen
  crolang-broker plugins check FILE   say whether a plugin fits, what it provides and reads
  crolang-broker healthcheck          ask the broker on this machine: 0 healthy, 1 unhealthy
  crolang-broker check-ice [--node ID] [--json]
                                      try the STUN and TURN servers that this node would get
  crolang-broker check-ice --turn-url URL… [--stun-url URL…] [--secret-file FILE | --secret TEXT]
                                      try these, with credentials made of the secret

Commands that ask the admin interface of a running broker, with ADMIN_TOKEN of the environment; all
take --json, and --admin-url URL instead of ADMIN_PORT on this machine:
  crolang-broker instances            the brokers of the grid
  crolang-broker nodes [--prefix TEXT] [--limit N] [--grid]
                                      the nodes of this broker, or of the whole grid
  crolang-broker nodes ID             one node, wherever it is
  crolang-broker disconnect ID [--for 10m | --reconnect] [--reason TEXT]
                                      disconnect a node, and refuse it for so long
  crolang-broker refused-ids          the ids that are refused
  crolang-broker allow ID             refuse this id no longer
  crolang-broker drain [--cancel]     move all nodes to other brokers
  crolang-broker negotiations [--node ID] [--state STATE] [--limit N]
                                      who wants to connect to whom, and why that fails
  crolang-broker negotiations ID      one of them

Environment variables, with their [default]. An empty value counts as not set. A secret variable X
may be given as X_FILE, the name of a file that holds the value.
)";

constexpr std::array<std::string_view, 5> kExitCodes{
    "normal exit",
    "could not start or listen: port taken, …; other commands: it does not work",
    "invalid configuration or command line",
    "a configured plugin is missing or was refused",
    "a plugin did not stop in time",
};

std::string default_of(const Variable& variable) {
  return variable.default_value.empty() ? variable.default_note : variable.default_value;
}

// The help of strings, URLs and addresses says which values are allowed.
std::string values_of(const Variable& variable) {
  switch (variable.type) {
    case Type::string:
    case Type::url:
    case Type::address:
    case Type::address_set:
    case Type::origins:
      return {};
    case Type::boolean:
    case Type::choice:
      return allowed(variable);
    case Type::uint:
      break;
  }
  // Plugins state the range in their help.
  if (variable.max == std::numeric_limits<std::uint64_t>::max()) {
    return variable.min == 0 ? std::string() : "from " + std::to_string(variable.min);
  }
  return std::to_string(variable.min) + " to " + std::to_string(variable.max);
}

std::string head_line(const Variable& variable) {
  std::string line = "  " + variable.name;
  if (const std::string text = default_of(variable); !text.empty()) line += " [" + text + "]";
  if (variable.presence == Presence::required) line += " (required)";
  if (variable.secrecy == Secrecy::secret) line += " (secret)";
  return line + '\n';
}

std::string meaning(const Variable& variable) {
  const std::string values = values_of(variable);
  return values.empty() ? variable.help : variable.help + " (" + values + ")";
}

// Plugins declare in any order; the variables of one heading are printed together.
std::vector<Variable> by_group(std::vector<Variable> all) {
  std::vector<std::string> groups;
  for (const Variable& each : all)
    if (std::find(groups.begin(), groups.end(), each.group) == groups.end())
      groups.push_back(each.group);
  const auto rank = [&](const Variable& each) {
    return std::find(groups.begin(), groups.end(), each.group) - groups.begin();
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Variable& a, const Variable& b) { return rank(a) < rank(b); });
  return all;
}

// As dotenv.hpp reads it back.
std::string dotenv_value(std::string_view value) {
  if (value.find_first_of(" \t\r\n#\"'`\\") == std::string_view::npos) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else
      (c == '"' || c == '\\' ? out += '\\' : out) += c;
  }
  return out + '"';
}

std::string line_of(const Environment& environment, const Variable& variable) {
  const Found found = find(environment, variable);
  if (!found.fault.empty()) return variable.name + "=  # " + found.fault;
  if (found.source == Source::unset && variable.measured_default != nullptr)
    return variable.name + "=" + std::to_string(variable.measured_default()) +
           "  # default: " + variable.default_note;
  if (found.source == Source::unset)
    return variable.name + "=  # not set" +
           (variable.default_note.empty() ? "" : ": " + variable.default_note);
  return variable.name + "=" + dotenv_value(shown(variable, found.text)) + "  # " + found.from;
}

std::string in_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string default_cell(const Variable& variable) {
  if (!variable.default_value.empty())
    return std::string("`").append(in_markdown(variable.default_value)).append("`");
  if (variable.presence == Presence::required) return "required";
  return variable.default_note.empty() ? "–" : in_markdown(variable.default_note);
}

std::string cells(const Variable& variable) {
  return "| `" + variable.name + "` | " + default_cell(variable) + " | " +
         in_markdown(meaning(variable)) + (variable.secrecy == Secrecy::secret ? "; secret" : "");
}

}  // namespace

std::string help_text(std::span<const Variable> plugin_variables) {
  std::string out(kUsage);
  std::string group;
  for (const Variable& each : by_group(merged(plugin_variables))) {
    if (each.group != group) out += "\n" + each.group + ":\n";
    group = each.group;
    out += head_line(each) + text::wrapped(meaning(each), "      ");
  }
  out += "\nExit codes:\n";
  for (std::size_t code = 0; code < kExitCodes.size(); ++code)
    out += "  " + std::to_string(code) + "  " + std::string(kExitCodes[code]) + '\n';
  return out;
}

std::string config_text(const Environment& environment,
                        std::span<const Variable> plugin_variables) {
  std::string out;
  for (const Variable& each : by_group(merged(plugin_variables)))
    out += line_of(environment, each) + '\n';
  return out;
}

std::string markdown_table(std::span<const Variable> plugin_variables) {
  std::string out = "| variable | default | meaning |\n|---|---|---|\n";
  for (const Variable& each : by_group(merged(plugin_variables))) out += cells(each) + " |\n";
  return out;
}

std::string plugin_markdown_table(std::span<const Variable> plugin_variables) {
  std::string out = "| variable | default | meaning | read by |\n|---|---|---|---|\n";
  std::vector<std::string> done;
  for (const Variable& each : variables()) done.push_back(each.name);
  for (const Variable& each : by_group({plugin_variables.begin(), plugin_variables.end()})) {
    if (std::find(done.begin(), done.end(), each.name) != done.end()) continue;
    done.push_back(each.name);
    std::string readers;
    for (const Variable& other : plugin_variables) {
      if (other.name != each.name) continue;
      readers += (readers.empty() ? "" : ", ") + other.group.substr(other.group.rfind('.') + 1);
    }
    out += cells(each) + " | " + readers + " |\n";
  }
  return out;
}

}  // namespace crolang::config
