#pragma once
/// What passes over links, counted for /metrics; see Statistics. Threads: any. Errors: none.

#include "crolang/sdk/metrics.hpp"

namespace crolang::redis_registry {

/// Of the links of one purpose. Copies count together; by default nothing is counted.
struct Traffic {
  plugin::Counter commands{};
  plugin::Counter sent_bytes{};
  plugin::Counter received_bytes{};
};

/// Of the connections of a worker for messages.
struct WorkerTraffic {
  Traffic messages{};
  Traffic subscription{};
  plugin::Counter publications{};
};

struct TrafficByPurpose {
  Traffic leases{};
  Traffic messages{};
  Traffic subscription{};
  Traffic sentinel{};
  Traffic slots{};  ///< queries for the slots of a cluster
};

}  // namespace crolang::redis_registry
