#pragma once
/// Schedules the disconnection of nodes while the broker drains: evenly over the whole duration,
/// however few they are and whichever workers they are on. Threads: plain values, not synchronised.
/// Errors: std::bad_alloc.

#include <cstddef>
#include <vector>

namespace crolang::net {

/// How many of `nodes` may still be there after the first `slice` + 1 of `slices`. The first node
/// leaves in the first slice, and none is left after the last.
std::size_t may_stay(std::size_t nodes, std::size_t slice, std::size_t slices);

/// How many of its nodes each worker keeps, so that no more than `may_stay` are left. Workers with
/// the most nodes disconnect theirs first; workers with equally many take turns.
std::vector<std::size_t> stay_on(std::vector<std::size_t> nodes, std::size_t may_stay);

}  // namespace crolang::net
