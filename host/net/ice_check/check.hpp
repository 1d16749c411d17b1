#pragma once
/// Tries the servers that nodes get, each as a node would use it, and releases what it allocates.
///
/// At most 16 at once, each for at most 5 s, 5 s more for resolving its name, and after a refusal
/// of credentials 5 s for trying others. Threads: any; blocks. Errors: in the results. SIGPIPE must
/// be ignored.

#include <chrono>
#include <string>
#include <vector>

#include "ice/outcome.hpp"

namespace crolang::net {

struct IceCheckOptions {
  std::string secret{};  ///< that the credentials were made with; empty: unknown
};

/// One result for each address of each target, in the order of the targets. Addresses beyond two of
/// a kind are not tried.
std::vector<ice::Result> check_ice(const std::vector<ice::Target>& targets,
                                   const IceCheckOptions& options);

}  // namespace crolang::net
