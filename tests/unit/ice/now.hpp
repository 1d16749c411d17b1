#pragma once
/// The time at which the tests of ice take place.

#include "ice/credentials.hpp"

namespace crolang::ice {

inline constexpr Seconds kNow{std::chrono::seconds(1'700'000'000)};

}  // namespace crolang::ice
