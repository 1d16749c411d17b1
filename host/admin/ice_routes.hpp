#pragma once
/// GET /api/v1/ice-check: what `crolang-broker check-ice` finds, from where this broker is. One at
/// a time, and at most 25 seconds. Threads, errors: as the router says.

#include "admin/backend.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

/// `backend` must outlive the router.
void add_ice_routes(Router& router, const Backend& backend);

}  // namespace crolang::admin
