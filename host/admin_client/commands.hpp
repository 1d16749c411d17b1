#pragma once
/// What the commands of the admin interface do: ask, and print what is answered.
/// Threads: one; blocks. Errors: a sentence for the operator. Throws std::bad_alloc.

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "admin_client/client.hpp"
#include "admin_client/shown.hpp"
#include "config/admin_command.hpp"

namespace crolang::admin_client {

/// Client::ask
using Ask = std::function<Answer(Method, std::string_view target)>;

struct Outcome {
  std::string fault{};    ///< not empty: it did not succeed
  std::string warning{};  ///< something is missing in what was printed; empty: nothing
};

/// Writes to `out` as it goes: a list of many nodes may end early with a fault.
Outcome run(const config::AdminCommand& command, const Ask& ask, std::ostream& out, Time now);

}  // namespace crolang::admin_client
