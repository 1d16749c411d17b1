#pragma once
/// Aligned columns of text. Pure. Threads: any. Errors: none.

#include <string>
#include <vector>

namespace crolang::ice {

/// Cells of one line; the table's first row is its heading. Rows that would be longer than
/// text::kColumns go on in the next line, from the cell that does not fit.
std::vector<std::string> aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace crolang::ice
