#pragma once
/// The routes about nodes and refused ids: who is connected and where, disconnect one, keep an id
/// out. Threads, errors: as the router says.

#include "admin/router.hpp"
#include "broker/shared_state.hpp"

namespace crolang::admin {

/// `shared` must outlive the router.
void add_node_routes(Router& router, broker::SharedState& shared);

}  // namespace crolang::admin
