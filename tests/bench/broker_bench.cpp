/// What it costs to find a receiver: among ordinary ids, and among ids that a stranger has computed
/// so that they collide under std::hash. The two must cost the same.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "broker/directory.hpp"
#include "broker/route_cache.hpp"
#include "support/colliding_ids.hpp"

namespace crolang::broker {
namespace {

constexpr std::size_t kIds = 10'000;

/// As long as those that collide.
std::vector<std::string> ordinary_ids(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    std::string number = std::to_string(i);
    ids.push_back("node-" + std::string(11 - number.size(), '0') + number);
  }
  return ids;
}

void find_in_directory(benchmark::State& state, const std::vector<std::string>& ids) {
  Directory directory;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    directory.insert(ids[i], {{static_cast<std::uint32_t>(i), 1, 0}, i + 1});
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(directory.find(ids[next]));
    if (++next == ids.size()) next = 0;
  }
}

void find_in_locations(benchmark::State& state, const std::vector<std::string>& ids) {
  RouteCache routes;
  const RouteCache::TimePoint now{std::chrono::hours(1)};
  for (const std::string& id : ids) routes.keep(id, {"there", 1}, now);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(routes.find(ids[next], now));
    if (++next == ids.size()) next = 0;
  }
}

void BM_directory_finds_ordinary_ids(benchmark::State& state) {
  find_in_directory(state, ordinary_ids(kIds));
}
void BM_directory_finds_colliding_ids(benchmark::State& state) {
  find_in_directory(state, testing::colliding_ids(kIds));
}
void BM_locations_find_ordinary_ids(benchmark::State& state) {
  find_in_locations(state, ordinary_ids(RouteCache::kMost));
}
void BM_locations_find_colliding_ids(benchmark::State& state) {
  find_in_locations(state, testing::colliding_ids(RouteCache::kMost));
}
BENCHMARK(BM_directory_finds_ordinary_ids);
BENCHMARK(BM_directory_finds_colliding_ids);
BENCHMARK(BM_locations_find_ordinary_ids);
BENCHMARK(BM_locations_find_colliding_ids);

}  // namespace
}  // namespace crolang::broker
