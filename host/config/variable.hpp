/// Describes every environment variable once: values are validated by this table, and --help,
/// --print-config and the table in docs/configuration.md are generated from it. Variables that only
/// plugins read come from the plugins' own tables, see from_plugin. Threads: any; the table never
/// changes. Errors: none.
#pragma once

#include <crolang/plugin.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::config {

enum class Type {
  string,
  url,          ///< scheme://host…
  address,      ///< a numeric IPv4 or IPv6 address
  address_set,  ///< addresses and ranges of them
  uint,         ///< decimal, between min and max
  boolean,      ///< exactly true or false
  choice,       ///< one of choices
  origins,      ///< a list of web origins
};

enum class Presence { optional, required };

/// secret: never shown, and NAME_FILE may name a file that holds the value.
enum class Secrecy { shown, secret };

struct Variable {
  std::string name;
  Type type = Type::string;
  std::string default_value{};  ///< empty: none
  std::string default_note{};   ///< what happens without a value, if that is not a value itself
  std::string help{};
  std::vector<std::string> choices{};
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  Presence presence = Presence::optional;
  Secrecy secrecy = Secrecy::shown;
  std::string group{};    ///< heading in --help; a plugin's id for its variables
  std::string example{};  ///< of a URL
  /// The default where it depends on the machine; default_note then says how.
  std::uint64_t (*measured_default)() = nullptr;
};

/// All that the host itself reads, in the order in which they are printed.
const std::vector<Variable>& variables();

/// A plugin's variable, treated like one of the host's from here on.
Variable from_plugin(const crolang_env& declared, std::string_view plugin_id);

/// The host's variables and the others, each name once. A plugin may declare a name that the host
/// or another plugin has too (REDIS_URL, WEBHOOK_TIMEOUT_MS); the first description is kept,
/// required or secret if one of them is.
std::vector<Variable> merged(std::span<const Variable> others);

/// "a whole number from 1 to 65535", "true or false", …
std::string allowed(const Variable& variable);

/// Whether the variable accepts this value.
bool accepts(const Variable& variable, std::string_view value);

/// The value as it may be shown: secrets and private keys masked altogether, URLs without user,
/// password and query.
std::string shown(const Variable& variable, std::string_view value);

}  // namespace crolang::config
