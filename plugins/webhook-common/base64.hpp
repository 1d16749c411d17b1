#pragma once
/// Base64 with the standard alphabet, RFC 4648 4. Threads: any. Errors: values.

#include <optional>
#include <string>
#include <string_view>

namespace crolang::webhook_common {

std::string base64(std::string_view bytes);

/// The `=` at the end may be missing. nullopt: it is not Base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace crolang::webhook_common
