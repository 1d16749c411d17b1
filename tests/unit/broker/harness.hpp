#pragma once
/// Runs a Broker without sockets, threads or clock: one worker with real sessions, whose
/// connections are only their outboxes. Threads: one.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.hpp"
#include "broker/node.hpp"
#include "broker/ports.hpp"
#include "broker/shared_state.hpp"
#include "modules/clients/clients.hpp"
#include "unit/broker/scripted_modules.hpp"

namespace crolang::broker::testing {

inline constexpr std::string_view kHere = "here";

class Harness : public LocalSessions, public Workers {
 public:
  explicit Harness(Policy policy = {}, std::string_view instance = kHere);
  virtual ~Harness() = default;

  /// An upgrade request with this query has arrived; its admission has not started.
  Node& request_upgrade(std::string_view query);
  /// A node that has joined, and has read what it was sent.
  Node& join(std::string_view id);
  /// The node sends this as a text message.
  void say(Node& node, std::string_view text);
  /// The frames sent to the node since the last call: texts as they are, close frames as `close` or
  /// `close 1001`.
  std::vector<std::string> sent(Node& node);
  /// Its connection breaks, and the session ends.
  void cut(Node& node);

  /// Delivers answers and runs posted commands, until there are none.
  void run_iteration();
  /// Like run_iteration, but also answers the questions that were kept open.
  void settle();
  void pass(std::chrono::milliseconds time);
  /// When work is due next.
  session::TimePoint deadline() const { return std::min(broker.work_due(), broker.probes_due()); }

  /// The outcome of the upgrade request.
  struct UpgradeResult {
    bool open = false;
    std::optional<TemporaryFailure> failure;
  };
  UpgradeResult upgrade_result(const Node& node) const {
    return upgrade_results_.at(node.handle().slot);
  }

  // LocalSessions
  Node* find(SessionHandle handle) override;
  std::optional<std::uint32_t> visit_joined(std::uint32_t slot, std::uint32_t count,
                                            const std::function<void(const Node&)>& use) override;
  void deadline_changed(Node& node) override { touched_handles.push_back(node.handle()); }
  void open_transport(Node& node) override;
  void refuse_transport(Node& node, TemporaryFailure failure) override;
  void pause_reading(Node& node) override { paused.push_back(node.handle()); }
  std::optional<TemporaryFailure> capacity_failure(Node&) override { return no_capacity; }
  client_address::Address client_of(const Node&) override {
    return client_address::ipv4_address({192, 0, 2, 7});
  }
  std::optional<std::uint64_t> bytes_acked_while_queued(Node& node) override;

  // Workers
  void post(std::uint16_t worker, Command command) override;
  void flush(session::DirtyList& dirty) override;
  session::DirtyList* dirty_here() override { return nullptr; }
  std::uint16_t count() const override { return 1; }

  ScriptedModules modules;
  session::OutboxTables outboxes{1};
  SharedState shared;
  session::Limits limits;
  telemetry::WorkerCounters counters;
  std::vector<modules::CallFault> faults;
  modules::PendingCalls calls;
  modules::Clients clients;
  Broker broker;
  session::TimePoint now;
  std::vector<SessionHandle> touched_handles;
  std::vector<SessionHandle> paused;
  std::map<std::uint32_t, std::uint64_t> backlogs;  ///< by slot; absent: no backlog
  std::optional<TemporaryFailure> no_capacity;      ///< for one more node
  bool loses_posts = false;
  std::size_t flushed = 0;
  std::size_t woken = 0;     ///< how often answers woke the worker
  bool sleeps = false;       ///< the worker sleeps: receipts are redeemed
  std::size_t redeemed = 0;  ///< receipts

 private:
  modules::PendingCalls::Hooks hooks();

  std::vector<std::unique_ptr<Node>> sessions_;  // by slot
  std::map<std::uint32_t, UpgradeResult> upgrade_results_;
  std::deque<Command> posted_;
};

/// The query of a node with this id.
std::string query_of(std::string_view id);

/// The string literal of a JSON text.
std::string literal_of(std::string_view text);

/// `42<ack>["<name>","<payload>"]`.
std::string event(std::string_view name, std::string_view payload, std::string_view ack = {});

}  // namespace crolang::broker::testing
