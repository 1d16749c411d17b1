#pragma once
/// GET /api/v1/negotiations and /api/v1/negotiations/{id}: what passed between nodes that want to
/// connect, and why they do not. Threads, errors: as the router says.

#include "admin/backend.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

/// `backend` must outlive the router.
void add_negotiation_routes(Router& router, const Backend& backend);

}  // namespace crolang::admin
