#pragma once
/// Several names in a sentence. Threads: any. Errors: none.

#include <span>
#include <string>

namespace crolang::text {

/// "A", "A or B", "A, B or C".
std::string alternatives(std::span<const std::string> names);

}  // namespace crolang::text
