/// JSON from strangers. Threads: any. Errors: nullopt.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace crolang::jwt_auth {

using Json = nlohmann::json;

/// The object that the text is. A member that is given twice would mean one thing here and another
/// thing to the next reader (RFC 8725 2.6 and RFC 7519 4), so it is refused; and so is what is
/// nested too deeply.
std::optional<Json> parse_object(std::string_view text);

/// nullptr: there is no such member, or it is no string.
const std::string* string_member(const Json& object, std::string_view name);

}  // namespace crolang::jwt_auth
