#pragma once
/// The instances of the grid, as their statuses in the registry describe them.
/// Threads: as the functions say. Errors: std::bad_alloc.

#include <chrono>
#include <cstddef>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "broker/shared_state.hpp"
#include "modules/answer.hpp"

namespace crolang::admin {

/// An entry of GET /api/v1/instances; nullopt: no broker has written this status. Pure. Any thread.
std::optional<nlohmann::json> instance_json(const modules::InstanceStatus& status,
                                            std::string_view own_instance,
                                            std::chrono::system_clock::time_point now);

/// Which instances there are, for events and the history.
class InstanceWatch {
 public:
  /// `own`: this instance, which is there even while the registry does not know it yet.
  explicit InstanceWatch(std::string own) : own_(std::move(own)) {}

  struct Changes {
    std::vector<std::string> up;
    std::vector<std::string> down;
  };
  /// Any thread. The first call only sets the baseline and reports no changes.
  Changes update(std::vector<std::string> names);
  /// How many instances are known; 1, this instance, before the first update. Any thread.
  std::size_t count() const;

 private:
  const std::string own_;
  mutable std::mutex mutex_;                         // guards known_
  std::optional<std::vector<std::string>> known_{};  // sorted
};

/// All statuses in the registry, this instance's as it is now; or why there are none. Thread: a
/// handler's, which is blocked for kReplyTimeout at most.
std::variant<std::vector<modules::InstanceStatus>, std::string> list_instances(
    broker::SharedState& shared, const std::stop_token& stop);

/// Updates `watch`, and publishes who has come or gone. Any thread.
void note(InstanceWatch& watch, broker::SharedState& shared,
          const std::vector<modules::InstanceStatus>& statuses);

/// Asks for the list, and notes it when it has arrived. Any thread; does not block. Both arguments
/// must live until the workers have ended.
void refresh(InstanceWatch& watch, broker::SharedState& shared);

}  // namespace crolang::admin
