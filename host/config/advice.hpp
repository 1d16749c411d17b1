/// Suggestions for an operator who tried to configure the broker on its command line. Threads: any.
/// Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/variable.hpp"

namespace crolang::config {

/// A sentence about the first word of `words` (argv without the program's name) that is not a valid
/// argument: the variable to set instead (--port 9000: PORT=9000), or the option that was probably
/// meant. Empty: no suggestion. `options` are the valid ones, with their dashes; values of secrets
/// are not shown.
std::string advice_on(std::span<const std::string_view> words,
                      std::span<const std::string_view> options, std::span<const Variable> known);

}  // namespace crolang::config
