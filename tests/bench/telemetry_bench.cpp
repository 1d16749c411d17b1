/// What measuring a duration costs: the broker's histogram, that of prometheus-cpp, which takes a
/// lock, and reading the clock, which is why only one local delivery in 16 is measured.

#include <benchmark/benchmark.h>
#include <prometheus/histogram.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "telemetry/metrics.hpp"

namespace crolang::telemetry {
namespace {

/// From a few microseconds to some seconds, in no order.
std::vector<std::chrono::nanoseconds> durations() {
  std::vector<std::chrono::nanoseconds> all;
  std::uint64_t random = 1;
  for (int i = 0; i < 1024; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    all.emplace_back(std::int64_t{1000} << (random >> 59) % 22);
  }
  return all;
}

void BM_histogram_observes(benchmark::State& state) {
  const auto taken = durations();
  const auto counters = std::make_unique<WorkerCounters>();
  std::size_t next = 0;
  for (auto _ : state) {
    counters->observe(Latency::relay_local, taken[next]);
    next = (next + 1) % taken.size();
  }
}

void BM_shared_histogram_observes(benchmark::State& state) {
  const auto taken = durations();
  const auto counters = std::make_unique<SharedCounters>();
  std::size_t next = 0;
  for (auto _ : state) {
    counters->observe(Latency::relay_local, taken[next]);
    next = (next + 1) % taken.size();
  }
}

void BM_prometheus_histogram_observes(benchmark::State& state) {
  const auto taken = durations();
  prometheus::Histogram::BucketBoundaries bounds;
  for (const auto bound : kHistogramBounds)
    bounds.push_back(std::chrono::duration<double>(bound).count());
  prometheus::Histogram histogram(bounds);
  std::size_t next = 0;
  for (auto _ : state) {
    histogram.Observe(std::chrono::duration<double>(taken[next]).count());
    next = (next + 1) % taken.size();
  }
}

void BM_clock_is_read(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}

void BM_page_is_rendered(benchmark::State& state) {
  const auto counters = std::make_unique<WorkerCounters>();
  const Counters* const all[] = {counters.get()};
  for (auto _ : state) benchmark::DoNotOptimize(render(all, {}));
}

BENCHMARK(BM_histogram_observes);
BENCHMARK(BM_shared_histogram_observes);
BENCHMARK(BM_prometheus_histogram_observes);
BENCHMARK(BM_clock_is_read);
BENCHMARK(BM_page_is_rendered);

}  // namespace
}  // namespace crolang::telemetry
