/// Variables that were put into the environment by others than the operator. Threads: any. Errors:
/// none.
#pragma once

#include <string_view>

namespace crolang::config {

/// Is this one of those that Kubernetes sets for each Service of the namespace, and docker for each
/// --link? A Service named crolang-broker makes CROLANG_BROKER_SERVICE_HOST and CROLANG_BROKER_PORT
/// (a URL), one named redis REDIS_PORT and REDIS_PORT_6379_TCP_ADDR.
bool is_of_a_service(std::string_view name, std::string_view value);

}  // namespace crolang::config
