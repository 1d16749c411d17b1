/// Suggests what to write instead of a refused value, where the intention is clear. Pure.
/// Threads: any. Errors: none.
#pragma once

#include <string>
#include <string_view>

#include "config/variable.hpp"

namespace crolang::config {

/// A few words without the value itself, unless it is a number: `write 25000`, `write true`. Empty:
/// no suggestion.
std::string hint(const Variable& variable, std::string_view value);

}  // namespace crolang::config
