#pragma once
/// The routes about nodes and refused ids: who is connected and where, disconnect one, keep an id
/// out. Threads: control, before the listener starts.

#include "admin/backend.hpp"
#include "admin/router.hpp"

namespace crolang::admin {

/// `backend` must outlive the router.
void add_node_routes(Router& router, const Backend& backend);

}  // namespace crolang::admin
