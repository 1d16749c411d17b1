#pragma once
/// What becomes of negotiations, for the event stream of the admin interface. To be called while it
/// is watched only. Threads: any. Errors: none; an event for which there is no memory is lost.

#include "broker/shared_state.hpp"
#include "negotiation/diagnosis.hpp"
#include "negotiation/table.hpp"

namespace crolang::broker::negotiation_events {

void changed(SharedState& shared, const negotiation::Change& change) noexcept;

}  // namespace crolang::broker::negotiation_events
