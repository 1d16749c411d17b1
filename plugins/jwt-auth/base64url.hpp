/// base64url as RFC 7515 section 2 wants it. Threads: any. Errors: nullopt.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crolang::jwt_auth {

/// Strict, so that each value has one spelling only: no padding, no white space, no spare bits.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace crolang::jwt_auth
