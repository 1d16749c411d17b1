/// What to say to somebody who tried to configure the broker by its command line. Threads: any.
/// Errors: none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/variable.hpp"

namespace crolang::config {

/// The sentence about the first word of `words` (argv without the program) that the command line
/// does not have: which variable does that (--port 9000: PORT=9000), or which option is meant.
/// Empty: there is nothing to say about them. `options` are the ones that there are, with their
/// dashes; values of secrets are not shown.
std::string advice_on(std::span<const std::string_view> words,
                      std::span<const std::string_view> options, std::span<const Variable> known);

}  // namespace crolang::config
