#pragma once
/// Text in lines for a terminal. Pure. Threads: any. Errors: none.

#include <cstddef>
#include <string>
#include <string_view>

namespace crolang::text {

/// Of a line of --help and of reports.
inline constexpr std::size_t kColumns = 100;

/// Characters of UTF-8, not bytes.
std::size_t columns(std::string_view text) noexcept;

/// The text in lines of at most kColumns, each with the indent; a longer word is not cut.
std::string wrapped(std::string_view text, std::string_view indent);

}  // namespace crolang::text
