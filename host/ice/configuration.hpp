#pragma once
/// The servers of an RTC configuration in the form that nodes get (host/broker/rtc_configuration).
/// Pure. Threads: any. Errors: none; what is not in that form has no targets.

#include <cstddef>
#include <string_view>
#include <vector>

#include "ice/target.hpp"

namespace crolang::ice {

/// Of each service; more than a browser uses.
inline constexpr std::size_t kMaxTargets = 64;

class Targets {
 public:
  /// Appends it, unless there are kMaxTargets of its service.
  void add(Target target);

  const std::vector<Target>& all() const noexcept { return all_; }
  /// What was not added.
  std::size_t left_out() const noexcept { return left_out_stun_ + left_out_turn_; }
  std::size_t left_out_turn() const noexcept { return left_out_turn_; }

 private:
  std::vector<Target> all_;
  std::size_t stun_ = 0;
  std::size_t turn_ = 0;
  std::size_t left_out_stun_ = 0;
  std::size_t left_out_turn_ = 0;
};

/// `configuration`: JSON with `iceServers`. A TURN URL with a `password` (crolang nodes read it)
/// that is not its `credential` (browsers do) is there twice.
Targets targets_in(std::string_view configuration);

}  // namespace crolang::ice
