/// Validates URLs and masks the secrets in them. Whether a scheme, or more than one host, is
/// supported is decided by the plugin that uses the URL. Threads: any. Errors: none.
#pragma once

#include <string>
#include <string_view>

namespace crolang::config {

/// RFC 3986 3: scheme "://" [userinfo "@"] host [":" port] [path] ["?" query] ["#" fragment],
/// without blanks, control characters or bytes beyond ASCII; the host is not empty. Other hosts and
/// ports may follow the first, separated by commas.
bool is_url(std::string_view text);

/// User, password, query and fragment replaced by ***, since they may hold credentials. Also safe
/// for text that is not quite a URL.
std::string masked_url(std::string_view text);

}  // namespace crolang::config
