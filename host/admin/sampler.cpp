#include "admin/sampler.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "admin/latencies.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::admin {

void Sampler::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Sampler::stop() {
  thread_ = {};
}

void Sampler::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  auto due = std::chrono::steady_clock::now();
  for (std::uint64_t second = 0; !stop.stop_requested(); ++second) {
    try {
      sample(second);
    } catch (const std::exception& error) {
      static telemetry::Throttle throttle{1};
      if (const auto suppressed = throttle.admit(std::chrono::steady_clock::now())) {
        telemetry::log::error("admin: a sample is missing",
                              {{"why", error.what()}, {"suppressed", *suppressed}});
      }
    }
    // A process that was suspended goes on from now.
    due = std::max(due + std::chrono::seconds(1), std::chrono::steady_clock::now());
    never.wait_until(lock, stop, due, [] { return false; });
  }
}

void Sampler::sample(std::uint64_t second) {
  const std::uint64_t nodes = backend_.shared.directory.size();
  const auto counters = backend_.server.counters();
  const Traffic traffic = traffic_of(counters, nodes);
  backend_.history.add_second(traffic, std::chrono::steady_clock::now());
  if (second % static_cast<std::uint64_t>(History::kInterval.count()) != 0) return;
  refresh(backend_.instances, backend_.shared);
  if (second == 0) {
    latencies_before_ = telemetry::latency_counts(counters);
    return;
  }
  add_to_history(traffic, nodes, counters);
}

void Sampler::add_to_history(const Traffic& traffic, std::uint64_t nodes,
                             std::span<const telemetry::Counters* const> counters) {
  Sample sample;
  sample.traffic = traffic;
  sample.nodes = nodes;
  sample.instances = backend_.instances.count();
  const telemetry::LatencyCounts latencies = telemetry::latency_counts(counters);
  sample.extra["latencyMs"] = latencies_json(telemetry::since(latencies_before_, latencies));
  latencies_before_ = latencies;
  backend_.history.add(std::move(sample), std::chrono::system_clock::now());
}

}  // namespace crolang::admin
