/// Threads: any. Errors: none.
#pragma once

#include <string_view>

namespace crolang::config {

/// The project's version as CMake knows it, "1.2.3".
std::string_view version();

}  // namespace crolang::config
