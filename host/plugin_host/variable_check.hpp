#pragma once
/// Has a plugin check the values of its variables without creating it. Threads: one at a time.
/// Errors: std::bad_alloc before the plugin is asked.

#include <span>
#include <string>
#include <vector>

#include "crolang/plugin.h"
#include "plugin_host/lookup.hpp"

namespace crolang::plugin_host {

/// Sentences for the operator.
struct CheckResult {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

/// Calls the plugin's `check`, if it has one. For the variables in `refused` it sees the default,
/// and sentences that name them are left out, since their values have been reported already.
CheckResult check_variables(const crolang_plugin& plugin, const Lookup& values,
                            std::span<const std::string> refused);

}  // namespace crolang::plugin_host
