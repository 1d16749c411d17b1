/// Finds names that are probably meant to be one of ours. Threads: any. Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"

namespace crolang::config {

/// The known name that `name` is a slip of, or nothing: one edit away, two for longer names,
/// beginning with the same two characters. PATH is no slip of PORT.
std::string_view meant_by(std::string_view name, std::span<const Variable> known);

/// A warning for each name in the environment that nobody reads and that is close to one that is
/// read.
std::vector<std::string> misspelt(const Environment& environment, std::span<const Variable> known);

}  // namespace crolang::config
