#pragma once
/// POST and DELETE /api/v1/drain, POST /api/v1/reload. Threads, errors: as the router says.

#include "admin/backend.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

/// `backend` must outlive the router.
void add_lifecycle_routes(Router& router, const Backend& backend);

}  // namespace crolang::admin
