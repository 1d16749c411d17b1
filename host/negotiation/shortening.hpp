#pragma once
/// Bounds what is kept of ids that strangers choose.
/// Threads: any. Errors: std::bad_alloc.

#include <cstddef>
#include <string>
#include <string_view>

namespace crolang::negotiation {

inline constexpr std::size_t kLongestId = 128;
inline constexpr std::size_t kLongestSession = 64;

/// Appends `text`, if it has at most `longest` bytes of printable UTF-8; else its beginning, and
/// `…#` with a hash of all of it, so that two texts that begin alike stay two. The result is one
/// line of UTF-8, and for one text always the same while this process lives.
void append_bounded(std::string& out, std::string_view text, std::size_t longest);
std::string bounded(std::string_view text, std::size_t longest);

/// False if it may not be what append_bounded was given: then nothing can be found by it.
bool is_verbatim(std::string_view kept) noexcept;

/// For a sentence: at most some 40 bytes of a text that append_bounded has made.
std::string shown(std::string_view id);

}  // namespace crolang::negotiation
