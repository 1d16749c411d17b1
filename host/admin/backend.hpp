#pragma once
/// What the routes of the admin interface work on. Handlers run on the admin's threads: what
/// belongs to workers is asked for by commands that are posted to them (broker::Workers::post),
/// what belongs to the control thread by on_control_thread. Threads: as the members say. Errors:
/// none of its own.

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "admin/history.hpp"
#include "admin/instances.hpp"
#include "admin/lifecycle.hpp"
#include "admin/reply.hpp"
#include "broker/shared_state.hpp"
#include "net/server.hpp"
#include "process/control.hpp"

namespace crolang::admin {

struct Backend {
  net::Server& server;
  broker::SharedState& shared;
  process::Control& control;
  Lifecycle& lifecycle;  ///< control thread
  History& history;
  InstanceWatch& instances;
  /// The variables that bound something, with the values in use.
  std::vector<std::pair<std::string, std::uint64_t>> limits;
  std::size_t max_streams;

  /// Runs `function` there and returns what it returns. nullopt: not in time, or the broker is
  /// ending; then it may still run later, so it owns what it uses.
  template <class Function>
  auto on_control_thread(Function function, const std::stop_token& stop) const {
    using Result = decltype(function());
    const Reply<Result> reply;
    control.post([reply, function = std::move(function)] { reply.set(function()); });
    return reply.wait(stop, kReplyTimeout);
  }
};

}  // namespace crolang::admin
