/// Strict parsing of untrusted JSON. Threads: any. Errors: nullopt.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace crolang::jwt_auth {

using Json = nlohmann::json;

/// Parses an object. Duplicate members, which parsers interpret differently (RFC 8725 2.6 and RFC
/// 7519 4), and deep nesting are rejected.
std::optional<Json> parse_object(std::string_view text);

/// nullptr: there is no such member, or it is not a string.
const std::string* string_member(const Json& object, std::string_view name);

}  // namespace crolang::jwt_auth
