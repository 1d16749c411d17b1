#pragma once
/// What a plugin says of the values of its variables, without being created. Threads: one at a
/// time. Errors: std::bad_alloc before the plugin is asked.

#include <span>
#include <string>
#include <vector>

#include "crolang/plugin.h"
#include "plugin_host/kinds.hpp"

namespace crolang::plugin_host {

/// Sentences for the operator.
struct Judgement {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

/// Has the plugin's `check` judge the values, if it has one. Of the variables in `refused` it sees
/// the default, and what it says of them is left out: the operator knows already.
Judgement judge_variables(const crolang_plugin& plugin, const Lookup& values,
                          std::span<const std::string> refused);

}  // namespace crolang::plugin_host
