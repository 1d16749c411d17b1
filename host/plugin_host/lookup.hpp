#pragma once
/// How plugin_host, which does not depend on config, gets values. Threads: as the function says.
/// Errors: none.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crolang::plugin_host {

/// The value of an environment variable; nullopt: not set.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

}  // namespace crolang::plugin_host
