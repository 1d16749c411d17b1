#pragma once
/// A thread that samples once a second: rates, the history, and which instances there are.
/// Threads: start and stop on the control thread. Errors: std::system_error from start; a sample
/// for which there is no memory is left out.

#include <cstdint>
#include <span>
#include <stop_token>
#include <thread>

#include "admin/backend.hpp"
#include "telemetry/latency.hpp"
#include "telemetry/metrics.hpp"

namespace crolang::admin {

class Sampler {
 public:
  /// `backend` must outlive this object.
  explicit Sampler(const Backend& backend) : backend_(backend) {}
  ~Sampler() { stop(); }

  void start();
  void stop();

 private:
  void run(const std::stop_token& stop);
  void sample(std::uint64_t second);
  void add_to_history(const Traffic& traffic, std::uint64_t nodes,
                      std::span<const telemetry::Counters* const> counters);

  const Backend& backend_;
  telemetry::LatencyCounts latencies_before_{};
  std::jthread thread_;
};

}  // namespace crolang::admin
