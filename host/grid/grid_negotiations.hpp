#pragma once
/// Completes records of negotiations by what other instances keep of them
/// (broker/negotiation_halves.hpp).
///
/// Threads: any but workers: it may wait, for kLongestHalfWait at most. Errors: what is not told in
/// time stays unknown. Throws std::bad_alloc.

#include <chrono>
#include <span>

#include "broker/negotiation_halves.hpp"
#include "broker/shared_state.hpp"
#include "negotiation/record.hpp"

namespace crolang::grid {

/// For the registry and all instances together. An instance that hangs is in the registry for about
/// a minute, and every list waits for it as long as this.
inline constexpr std::chrono::milliseconds kLongestHalfWait{1000};

void complete(broker::SharedState& shared, std::span<negotiation::Record> records,
              broker::Detail detail);

}  // namespace crolang::grid
