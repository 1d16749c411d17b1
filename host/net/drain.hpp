#pragma once
/// When nodes are sent away while the broker drains: one after the other over the whole time,
/// however few they are and whichever workers they are on. Threads: values. Errors: std::bad_alloc.

#include <cstddef>
#include <vector>

namespace crolang::net {

/// How many of `nodes` may still be there after the first `slice` + 1 of `slices`. The first one
/// leaves in the first slice, and after the last slice nobody is left.
std::size_t may_stay(std::size_t nodes, std::size_t slice, std::size_t slices);

/// How many of its nodes each worker keeps, so that no more than `may_stay` are left. Those with
/// the most send theirs away first: workers with equally many take turns.
std::vector<std::size_t> stay_on(std::vector<std::size_t> nodes, std::size_t may_stay);

}  // namespace crolang::net
