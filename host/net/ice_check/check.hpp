#pragma once
/// Tries the servers that nodes get, each as a node would use it, and releases what it allocates.
///
/// At most 32 at once, each for at most 5 s, 5 s more for resolving its name, and after a refusal
/// of credentials 5 s for trying others; all together for at most the time limit: what was not
/// tried until then is a fault. Threads: any; blocks, and starts threads. Errors: in the results.
/// SIGPIPE must be ignored.

#include <chrono>
#include <string>
#include <vector>

#include "ice/outcome.hpp"

namespace crolang::net {

struct IceCheckOptions {
  std::string secret{};  ///< that the credentials were made with; empty: unknown
  std::chrono::milliseconds time_limit{std::chrono::seconds(30)};  ///< for all of it
  /// A descriptor: as soon as it is readable, relays are given back and nothing more is tried. -1:
  /// there is none.
  int stop = -1;
};

/// One result for each address of each target, in the order of the targets. Addresses beyond 16
/// of a kind are not tried. Throws std::bad_alloc.
std::vector<ice::Result> check_ice(const std::vector<ice::Target>& targets,
                                   const IceCheckOptions& options);

}  // namespace crolang::net
