#pragma once
/// The servers of an RTC configuration in the form that nodes get (host/broker/rtc_configuration).
/// Pure. Threads: any. Errors: none; what is not in that form has no targets.

#include <cstddef>
#include <string_view>
#include <vector>

#include "ice/target.hpp"

namespace crolang::ice {

/// More than a browser uses.
inline constexpr std::size_t kMaxTargets = 64;

struct Targets {
  std::vector<Target> targets;  ///< at most kMaxTargets
  std::size_t left_out = 0;     ///< beyond that
};

/// `configuration`: JSON with `iceServers`.
Targets targets_in(std::string_view configuration);

}  // namespace crolang::ice
