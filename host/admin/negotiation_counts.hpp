#pragma once
/// How many negotiations had which outcome, for the history. Pure. Threads: any. Errors:
/// std::bad_alloc.

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "telemetry/metrics.hpp"

namespace crolang::admin {

inline constexpr std::size_t kNegotiationOutcomes = 7;

/// Since the start, each outcome.
using NegotiationCounts = std::array<std::uint64_t, kNegotiationOutcomes>;

NegotiationCounts negotiation_counts(std::span<const telemetry::Counters* const> counters);

/// `{"answered":n,"refused":n,…}`: what was counted between two times, in the words of the API.
nlohmann::json json_between(const NegotiationCounts& earlier, const NegotiationCounts& later);

}  // namespace crolang::admin
