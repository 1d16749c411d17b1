/// Makes the throttles of plugin-api available in this namespace. Threads, errors: see there.
#pragma once

#include "crolang/throttle.hpp"

namespace crolang::telemetry {

using crolang::NumberedThrottles;
using crolang::Throttle;
using crolang::Throttles;

}  // namespace crolang::telemetry
