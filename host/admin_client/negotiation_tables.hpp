#pragma once
/// What the admin interface says of negotiations, for people. Pure. Threads: any. Errors: none. See
/// tables.hpp.

#include <string>

#include "admin_client/tables.hpp"

namespace crolang::admin_client {

/// A row for each, and below it the diagnosis if there is something unusual.
std::string negotiations_table(const Json& answer, Time now);

/// All of one negotiation, with its events.
std::string negotiation_text(const Json& negotiation);

}  // namespace crolang::admin_client
