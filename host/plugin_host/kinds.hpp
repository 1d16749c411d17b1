#pragma once
/// The six kinds of modules, and which plugin the environment asks for to serve each.
/// Threads: any. Errors: sentences for the operator.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crolang::plugin_host {

/// The value of an environment variable; nullopt: not set.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

struct TableFunction {
  std::string_view name;
  std::size_t offset;
  bool may_be_null = false;
};

struct Kind {
  std::string_view name;                     ///< "registry/1"
  std::size_t size;                          ///< least size of its table
  std::span<const TableFunction> functions;  ///< all of them
  std::string_view plugin_variable;          ///< names the plugin
  std::string_view setting;                  ///< else: if this is set …
  std::string_view bundled;                  ///< … this plugin of ours serves
  std::string_view built_in;                 ///< else: this, in words
  enum class Plugins { one, many } plugins;  ///< many: plugin_variable is a list with commas
};

std::span<const Kind> kinds();

/// nullptr: this broker knows no such kind.
const Kind* find_kind(std::string_view name);

/// "registry/1, rtc-config/1, …"
std::string kind_names();

struct Choice {
  const Kind* kind;
  std::filesystem::path file;
  std::string variable;  ///< that asks for it
};

struct Choices {
  std::vector<Choice> chosen;
  std::vector<std::string> refusals;
};

/// A plugin variable's value is a name, looked up as `<name>.so` in `plugins_dir`, or a path if it
/// contains a slash. Nothing is opened, but a file that is not there is refused, with the names of
/// those that are.
Choices resolve_choices(const Lookup& lookup, const std::filesystem::path& plugins_dir);

}  // namespace crolang::plugin_host
