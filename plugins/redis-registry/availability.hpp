#pragma once
/// Whether Redis counts as available to the broker: in a cluster all parts of it must be. Threads:
/// the holder of the service's lock.

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "crolang/plugin.hpp"

namespace crolang::redis_registry {

class Availability {
 public:
  /// `warn`: for the reason of another part, when one is unavailable already.
  Availability(const plugin::RegistryEvents& events, std::function<void(std::string_view)> warn)
      : events_(events), warn_(std::move(warn)) {}

  void on_unavailable(const void* part, std::string_view reason) {
    if (is_ended_) return;
    const bool is_first = parts_.empty();
    if (std::ranges::find(parts_, part) == parts_.end()) parts_.push_back(part);
    if (is_first) {
      events_.on_unavailable(reason);
    } else {
      warn_(reason);
    }
  }
  void on_available(const void* part) { forget(part); }
  /// The part does not exist any more.
  void forget(const void* part) {
    if (std::erase(parts_, part) > 0 && parts_.empty()) events_.on_available();
  }
  /// Nothing is reported any more.
  void end() {
    is_ended_ = true;
    parts_.clear();
  }

 private:
  const plugin::RegistryEvents& events_;
  const std::function<void(std::string_view)> warn_;
  std::vector<const void*> parts_;  // that are unavailable
  bool is_ended_ = false;
};

}  // namespace crolang::redis_registry
