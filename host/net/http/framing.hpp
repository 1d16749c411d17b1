#pragma once
/// Inspects a request's bytes before its header is complete. Threads: any; no shared state. Errors:
/// none.

#include <cstddef>
#include <optional>
#include <string_view>

#include "net/http/refusal.hpp"

namespace crolang::net {

/// The limit of Node.js, which clients and operators are used to.
inline constexpr std::size_t kMaxHeaderBytes = 16384;

/// The lines between the request line and the empty line. `header`: both included.
std::string_view header_lines(std::string_view header);

/// RFC 9112 2.2: empty lines before a request are ignored.
std::string_view without_leading_empty_lines(std::string_view bytes);

/// nullopt: these bytes may be the beginning of a request. Otherwise what they are, as soon as that
/// is clear, so that a client of another protocol is not left waiting.
std::optional<RequestFault> foreign_protocol(std::string_view beginning);

}  // namespace crolang::net
