#pragma once
/// The variables of the admin interface, for the table of all (variable.hpp). Threads: any. Errors:
/// none.

#include <vector>

#include "config/variable.hpp"

namespace crolang::config {

std::vector<Variable> admin_variables();

}  // namespace crolang::config
