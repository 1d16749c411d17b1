#pragma once
/// Messages for the operator on standard error, when there is no log or not yet.
/// Threads: any. Errors: none.

#include <string>
#include <vector>

namespace crolang::program {

void print_warnings(const std::vector<std::string>& sentences);
void print_all(const std::vector<std::string>& sentences);

}  // namespace crolang::program
