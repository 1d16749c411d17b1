#include "net/memory_guard.hpp"

#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {

void MemoryGuard::report(TimePoint now) noexcept {
  counters_.add(telemetry::Counter::out_of_memory);
  static telemetry::Throttle throttle{1};
  const auto suppressed = throttle.admit(now);
  if (!suppressed) return;
  try {
    telemetry::log::error(
        "out of memory, a connection or a request was lost: raise the memory limit of the process, "
        "or lower MAX_MEMORY_BYTES so that new nodes are refused before that happens",
        {{"suppressed", *suppressed}});
  } catch (const std::bad_alloc&) {
    // The line is lost, but the counter has been incremented.
  }
}

}  // namespace crolang::net
