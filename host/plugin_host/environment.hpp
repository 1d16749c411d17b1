#pragma once
/// Checks the variables that a plugin declares, before the plugin is created.
/// Threads: any. Errors: a sentence for each fault; values of secrets never appear.

#include <optional>
#include <string>
#include <vector>

#include "crolang/plugin.h"
#include "plugin_host/kinds.hpp"

namespace crolang::plugin_host {

/// The value that the plugin will see: what is set, else the default.
std::optional<std::string> value_of(const crolang_env& variable, const Lookup& lookup);

std::vector<std::string> environment_faults(const crolang_plugin& plugin, const Lookup& lookup);

}  // namespace crolang::plugin_host
