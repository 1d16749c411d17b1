#pragma once
/// The lanes of all workers. Threads: as each function says.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/io.h"
#include "crolang/plugin.hpp"
#include "redis-registry/lane.hpp"

namespace crolang::redis_registry {

class Lanes {
 public:
  /// The longest name of a broker whose lanes have addresses.
  static constexpr std::size_t kLongestInstance = CROLANG_MAX_INSTANCE - 8;

  Lanes(const crolang_io& io, plugin::Host host, plugin::RegistryEvents events,
        const std::string& instance, const std::string& prefix, const LaneTraffic& traffic,
        Lane::Superior& superior);

  /// Connects those that have been told where to. Returns when all are up, or at the deadline;
  /// then the workers run them. Thread: control, before the workers run.
  void start(std::chrono::steady_clock::time_point deadline);
  /// The lane of the worker that the calling thread belongs to; nullptr: none. Any thread.
  Lane* here() const;
  Lane& at(std::uint32_t lane) { return *lanes_[lane]; }
  /// Tells each. Any thread.
  template <class News>
  void tell(const News& news) {
    for (const auto& lane : lanes_) lane->tell(Lane::News(news));
  }
  /// When a message was last sent or received. Any thread.
  TimePoint last_message() const;
  /// Thread: control, once the workers have ended.
  void stop();

 private:
  const crolang_io& io_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // by worker
};

}  // namespace crolang::redis_registry
