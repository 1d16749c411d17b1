#pragma once
/// GET /api/v1/overview, /history and /openapi.json. Threads, errors: as the router says.

#include "admin/backend.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

/// `backend` must outlive the router.
void add_overview_routes(Router& router, const Backend& backend);

}  // namespace crolang::admin
