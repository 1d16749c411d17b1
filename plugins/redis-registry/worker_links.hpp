#pragma once
/// The worker links of all workers. Threads: as each function says.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/io.h"
#include "crolang/plugin.hpp"
#include "redis-registry/worker_link.hpp"

namespace crolang::redis_registry {

class WorkerLinks {
 public:
  /// The longest name of a broker whose worker links have addresses.
  static constexpr std::size_t kLongestInstance = CROLANG_MAX_INSTANCE - 8;

  WorkerLinks(const crolang_io& io, plugin::Host host, plugin::RegistryEvents events,
              const std::string& instance, const std::string& prefix, const WorkerTraffic& traffic,
              WorkerLink::Supervisor& supervisor);

  /// Connects those that have been told where to. Returns when all are up, or at the deadline;
  /// then the workers run them. Thread: control, before the workers run.
  void start(std::chrono::steady_clock::time_point deadline);
  /// The worker link of the worker that the calling thread belongs to; nullptr: none. Any thread.
  WorkerLink* here() const;
  WorkerLink& at(std::uint32_t worker_link) { return *worker_links_[worker_link]; }
  /// Tells each. Any thread.
  template <class Command>
  void put(const Command& command) {
    for (const auto& worker_link : worker_links_) worker_link->put(WorkerLink::Command(command));
  }
  /// When a message was last sent or received. Any thread.
  TimePoint last_message() const;
  /// Thread: control, once the workers have ended.
  void stop();

 private:
  const crolang_io& io_;
  std::vector<std::unique_ptr<WorkerLink>> worker_links_;  // by worker
};

}  // namespace crolang::redis_registry
