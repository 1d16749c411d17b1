/// Recognises environment variables that Kubernetes, docker or the system set, not the operator.
/// Threads: any. Errors: none.
#pragma once

#include <string_view>

namespace crolang::config {

/// Whether this is one of those that Kubernetes sets for each Service of the namespace, or docker
/// for each --link. A Service named crolang-broker makes CROLANG_BROKER_SERVICE_HOST and
/// CROLANG_BROKER_PORT (a URL), one named redis REDIS_PORT and REDIS_PORT_6379_TCP_ADDR.
bool is_service_variable(std::string_view name, std::string_view value);

/// Whether this is one of those that shells, terminals and init systems set. They are never
/// reported as misspelt, since a plugin's variable may have a similar name (TEAM and TERM).
bool is_system_variable(std::string_view name);

}  // namespace crolang::config
