#include "net/drain.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace crolang::net {

std::size_t may_stay(std::size_t nodes, std::size_t slice, std::size_t slices) {
  if (slice + 1 >= slices) return 0;
  const auto left = static_cast<std::uint64_t>(slices - slice - 1);
  return static_cast<std::size_t>(static_cast<std::uint64_t>(nodes) * left / slices);
}

std::vector<std::size_t> stay_on(std::vector<std::size_t> nodes, std::size_t may_stay) {
  const auto left_at = [&](std::size_t most) {
    return std::accumulate(nodes.begin(), nodes.end(), std::size_t{0},
                           [&](std::size_t sum, std::size_t n) { return sum + std::min(n, most); });
  };
  // The number of nodes that every worker keeps at most, and the workers that keep one more.
  std::size_t level = 0;
  std::size_t above = nodes.empty() ? 0 : *std::ranges::max_element(nodes);
  if (left_at(above) <= may_stay) return nodes;
  while (above - level > 1) {
    const std::size_t middle = level + (above - level) / 2;
    (left_at(middle) <= may_stay ? level : above) = middle;
  }
  std::size_t spare = may_stay - left_at(level);
  for (std::size_t& n : nodes) {
    if (n <= level) continue;
    n = level + (spare > 0 ? 1 : 0);
    if (spare > 0) --spare;
  }
  return nodes;
}

}  // namespace crolang::net
