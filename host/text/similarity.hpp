#pragma once
/// Similarity of words. Threads: any. Errors: none.

#include <cstddef>
#include <string_view>

namespace crolang::text {

/// How many bytes have to be replaced, inserted or deleted to turn one into the other
/// (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace crolang::text
