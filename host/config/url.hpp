/// What the host needs to know of URLs: is it one, and what of it may be shown. Whether a scheme is
/// understood is judged by the plugin that uses it. Threads: any. Errors: none.
#pragma once

#include <string>
#include <string_view>

namespace crolang::config {

/// RFC 3986 3: scheme "://" [userinfo "@"] host [":" port] [path] ["?" query] ["#" fragment],
/// without blanks, control characters or bytes beyond ASCII; the host is not empty.
bool is_url(std::string_view text);

/// User, password, query and fragment replaced by ***: tokens live there. Also safe for text that
/// is not quite a URL.
std::string masked_url(std::string_view text);

}  // namespace crolang::config
