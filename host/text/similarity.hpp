#pragma once
/// How much two words are alike. Threads: any. Errors: none.

#include <cstddef>
#include <string_view>

namespace crolang::text {

/// How many bytes have to be replaced, put in or taken out to make one of the other (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace crolang::text
