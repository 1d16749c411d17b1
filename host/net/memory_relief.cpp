#include "net/memory_relief.hpp"

#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

using process::MemoryBudget;

MemoryRelief::Outcome MemoryRelief::relieve(MemoryBudget& memory,
                                            const std::vector<Holder>& holders,
                                            std::size_t largest_of_all,
                                            const std::function<void(const Holder&)>& end) {
  const std::size_t enough = largest_of_all / 4;
  Outcome outcome = Outcome::nothing_freed;
  for (const Holder& holder : holders) {
    if (holder.bytes < enough || memory.excess() == 0) break;
    // At once, so that no other worker ends connections for the same excess.
    memory.subtract_freed(holder.bytes);
    outcome = Outcome::freed;
    end(holder);
  }
  return outcome;
}

void MemoryRelief::return_freed(MemoryBudget& memory, Outcome outcome, TimePoint now) {
  switch (outcome) {
    case Outcome::freed:
      // Otherwise the next measurement would still find as much in use, and another connection
      // would be ended unnecessarily.
      memory.trim(now);
      return;
    case Outcome::nothing_freed:
      break;
  }
  if (memory.excess() != 0) {
    static telemetry::Throttle throttle{1};
    if (const auto suppressed = throttle.admit(now)) {
      telemetry::log::error(
          "more than MAX_MEMORY_BYTES is in use, but no connection holds much: new nodes are "
          "refused",
          {{"in_use", memory.used()}, {"limit", memory.limit()}});
    }
  }
  memory.trim_if_due(now);
}

void log_relief(const MemoryBudget& memory, const MemoryRelief::Holder& holder,
                std::string_view node, MemoryRelief::TimePoint now) {
  static telemetry::Throttle throttle{5};
  const auto suppressed = throttle.admit(now);
  if (!suppressed) return;
  telemetry::log::error(
      "more than MAX_MEMORY_BYTES is in use: closed the connection that held the most",
      {{"node", node},
       {"bytes", holder.bytes},
       {"in_use", memory.used()},
       {"limit", memory.limit()},
       {"suppressed", *suppressed}});
}

}  // namespace crolang::net
