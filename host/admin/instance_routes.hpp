#pragma once
/// GET /api/v1/instances. Threads, errors: as the router says.

#include "admin/backend.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

/// `backend` must outlive the router.
void add_instance_routes(Router& router, const Backend& backend);

}  // namespace crolang::admin
