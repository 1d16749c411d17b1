/// Escapes untrusted bytes for a line that a person or a program reads.
/// Threads: any. Errors: none; what is not UTF-8 becomes \ufffd.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crolang::telemetry {

/// Where the text will be placed: inside "…", where quotes and backslashes are escaped as JSON
/// wants it, or bare.
enum class Escape { quoted, bare };

/// Appends `bytes` with control characters (C0, DEL, C1), Unicode line breaks and direction
/// overrides written as \uXXXX, so that the result is one line of UTF-8 which shows what it holds.
/// Cuts after about `limit` bytes and says how many are left out. With Escape::quoted the result is
/// the inside of a JSON string.
void append_escaped(std::string& out, std::string_view bytes, Escape escape, std::size_t limit);

/// `"bytes"`, escaped; for sentences that name a value.
std::string in_quotes(std::string_view bytes);

}  // namespace crolang::telemetry
