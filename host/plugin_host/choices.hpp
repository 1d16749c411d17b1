#pragma once
/// Which plugin the environment asks for to serve each kind of module. Threads: any. Errors:
/// sentences for the operator.

#include <filesystem>
#include <string>
#include <vector>

#include "kinds/kinds.hpp"
#include "plugin_host/lookup.hpp"

namespace crolang::plugin_host {

struct Choice {
  kinds::Kind kind;
  std::filesystem::path file;
  std::string variable;  ///< the variable that asks for it
};

struct Choices {
  std::vector<Choice> chosen;
  std::vector<std::string> refusals;
};

/// A plugin variable's value is a name, looked up as `<name>.so` in `plugins_dir`, or a path if it
/// contains a slash. Nothing is opened, but a missing file is refused, with the names of those that
/// exist.
Choices resolve_choices(const Lookup& lookup, const std::filesystem::path& plugins_dir);

}  // namespace crolang::plugin_host
