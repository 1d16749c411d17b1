#pragma once
/// When the two nodes of a negotiation are on different instances, each instance records what its
/// own node sends. The two halves are put together when an operator looks: by one of the questions
/// that instances ask each other.
///
/// Halves are matched by names and age, since each instance has a clock and record numbers of its
/// own. Records whose names are shortened are not asked for: each process shortens with a key of
/// its own.
///
/// Threads: any. Errors: std::bad_alloc.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "broker/shared_state.hpp"
#include "negotiation/record.hpp"

namespace crolang::broker {

/// How far the ages of the two halves may be apart: an attempt may wait for an authorization, or
/// for Redis.
inline constexpr std::chrono::seconds kHalvesApart{30};
/// More negotiations are not asked for, or answered, by one question.
inline constexpr std::size_t kMaxHalves = 100;

/// Whether individual messages are included.
enum class Detail : std::uint8_t { counts, messages };

/// Lets other instances ask this one.
void add_negotiation_questions(SharedState& shared);

/// Whether another instance may keep a half of the record, and can be asked for it.
bool has_half_elsewhere(const negotiation::Record& record);

/// Asks for the halves of these records, at most kMaxHalves.
std::string halves_question(std::span<const negotiation::Record* const> records, Detail detail,
                            negotiation::TimePoint now);

/// Puts what one instance answers into the records it was asked for, in the order of the question.
/// `round_trip`: how long the answer took at most. The age in the question has grown meanwhile, so
/// a half is used only if the attempts with the same names are more than twice that apart. False:
/// the answer is malformed, or has another number of halves.
bool merge_halves(std::span<negotiation::Record* const> records, std::string_view answer,
                  negotiation::TimePoint::duration round_trip);

}  // namespace crolang::broker
