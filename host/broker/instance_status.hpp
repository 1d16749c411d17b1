#pragma once
/// The status of this instance, sent periodically to the registry and on request to other
/// instances:
/// `{"instance":"…","version":"…","startedAt":"…","workers":4,"nodes":12,"draining":false}`.

#include <chrono>
#include <string>

#include "broker/shared_state.hpp"
#include "modules/clients/clients.hpp"

namespace crolang::broker {

/// At most CROLANG_MAX_STATUS bytes. Threads: any.
std::string status_of(const SharedState& shared);

/// Threads: worker 0 only. Time is an argument.
class StatusReports {
 public:
  using TimePoint = modules::TimePoint;

  /// The first report is due at once.
  StatusReports(const SharedState& shared, modules::Clients& clients, TimePoint now)
      : shared_(shared), clients_(clients), due_(now) {}

  void tick(TimePoint now);
  TimePoint deadline() const noexcept { return due_; }

 private:
  const SharedState& shared_;
  modules::Clients& clients_;
  TimePoint due_;
};

}  // namespace crolang::broker
