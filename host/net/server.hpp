#pragma once
/// Owns all workers and what they share, and renders the pages for operators.
/// Threads: start, drain and stop on the control thread; the rest as the interfaces say.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/ports.hpp"
#include "broker/shared_state.hpp"
#include "client_address/policy.hpp"
#include "modules/module_table.hpp"
#include "net/http/policy.hpp"
#include "net/listener.hpp"
#include "net/plugin_io.hpp"
#include "net/worker.hpp"
#include "net/worker_host.hpp"
#include "origin/allow_list.hpp"
#include "process/control.hpp"
#include "process/memory_budget.hpp"
#include "session/session.hpp"
#include "telemetry/latency_window.hpp"
#include "telemetry/metric_store.hpp"
#include "telemetry/metrics.hpp"
#include "tls/current_context.hpp"

namespace crolang::net {

struct ServerOptions {
  std::uint16_t workers = 1;
  std::uint64_t max_connections = 0;  ///< nodes; beyond, they are asked to retry; 0: no limit
  std::uint64_t max_sockets = 0;     ///< beyond, connections without a node are closed; 0: no limit
  std::uint64_t max_handshakes = 0;  ///< beyond, the oldest is closed; 0: no limit
  AddressLimit per_address{};
  std::uint64_t max_memory_bytes = 0;
  client_address::Policy clients{};
  const tls::CurrentContext* tls = nullptr;  ///< of Listeners::nodes; nullptr: it is plain
  session::Limits limits{};
  broker::Policy policy;
  std::optional<origin::AllowList> allowed_origins;  ///< nullopt: nodes may be pages of any origin
  std::chrono::milliseconds plugin_timeout{10000};
  std::chrono::milliseconds validity_check_interval{30000};
  std::string version;
  bool metrics = false;
  const telemetry::MetricStore* plugin_metrics = nullptr;  ///< nullptr: plugins have none
};

/// The listening sockets.
struct Listeners {
  Descriptor nodes;
  Descriptor plain{};  ///< PLAIN_PORT: without TLS and PROXY headers; empty: none
};

class Server final : public broker::Workers, public WorkerHost {
 public:
  /// `modules` and `plugin_io`, which has a loop for each worker, must outlive the server. Nothing
  /// is accepted before start.
  Server(const ServerOptions& options, std::string instance, const modules::ModuleTable& modules,
         PluginIo& plugin_io, Listeners listeners);
  ~Server();

  broker::SharedState& shared() noexcept { return shared_; }
  void start();
  /// Begins to keep what latency_window shows.
  void watch_latencies(process::Control& control);
  /// What modules, admissions and messages took in the last minute. Any thread.
  const telemetry::LatencyWindow& latency_window() const noexcept { return latency_window_; }
  /// Of all workers, and those that they share. Any thread.
  std::vector<const telemetry::Counters*> counters() const;
  /// From now on connecting nodes are asked to retry; connected ones are disconnected, a slice at a
  /// time. `finished` is called when none is left, or after `duration`.
  void drain(process::Control& control, std::chrono::milliseconds duration,
             std::function<void()> finished);
  /// Connecting nodes are admitted again, and no more are disconnected. Does nothing if there is no
  /// drain that has not finished. Control thread.
  enum class DrainCancelled : std::uint8_t { yes, there_was_none };
  DrainCancelled cancel_drain();
  /// Closes the remaining connections and joins the workers.
  void stop();

  // broker::Workers
  void post(std::uint16_t worker, broker::Command command) override;
  void flush(session::DirtyList& dirty) override;
  session::DirtyList* dirty_here() override;
  std::uint16_t count() const override { return static_cast<std::uint16_t>(workers_.size()); }

  // For the admin interface. Any thread.
  std::string metrics_page();
  std::chrono::steady_clock::time_point up_since() const noexcept { return up_since_; }

  // WorkerHost
  Response render(PageRequest request) override;
  std::uint16_t choose_worker(std::uint16_t accepted_by) override;
  Room room() const override;
  std::uint64_t open_connections() const override;
  std::size_t largest_holding() const override;
  process::MemoryBudget& memory() override { return memory_; }
  void pass_socket(AcceptedSocket accepted, std::uint16_t worker) override;

 private:
  /// The sum of a figure over all workers.
  template <class Figure>
  std::uint64_t total(Figure (Worker::*figure)() const noexcept) const;
  struct Drain {
    std::size_t nodes = 0;  // when the drain began
    std::size_t slice = 0;  // the next one; after the last, all remaining nodes are disconnected,
                            // also late arrivals
    std::size_t slices = 1;
    std::chrono::steady_clock::time_point deadline;
    std::function<void()> finished;
    std::uint64_t number = 0;
  };
  void drain_slice(process::Control& control, Drain drain);
  void post_drain_commands(const Drain& drain);

  const ServerOptions options_;
  HttpPolicy http_;                       // of the listeners that nodes connect to
  client_address::Policy plain_clients_;  // of PLAIN_PORT
  ListenerPolicies listener_policies_;
  std::optional<AddressLimits> address_limits_;  // outlives the connections of the workers
  process::MemoryBudget memory_;
  Listeners listeners_;
  session::OutboxTables outboxes_;
  broker::SharedState shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::uint64_t current_drain_ = 0;  // its number; 0: none. Control thread.
  std::uint64_t last_drain_ = 0;
  telemetry::LatencyWindow latency_window_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point up_since_ = std::chrono::steady_clock::now();
};

}  // namespace crolang::net
