#pragma once
/// All workers with what they share, and the pages that operators look at.
/// Threads: start, drain and stop on the control thread; the rest as the interfaces say.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/grid.hpp"
#include "broker/ports.hpp"
#include "modules/module_table.hpp"
#include "net/control.hpp"
#include "net/listener.hpp"
#include "net/worker.hpp"
#include "session/session.hpp"

namespace crolang::net {

struct ServerOptions {
  std::uint16_t workers = 1;
  std::uint64_t max_connections = 0;  ///< nodes; beyond, they are told to come again; 0: no limit
  std::uint64_t max_sockets = 0;      ///< beyond, who is no node makes room or is cut; 0: no limit
  std::uint64_t max_memory_bytes = 0;
  session::Limits limits{};
  broker::Policy policy;
  std::chrono::milliseconds plugin_timeout{10000};
  std::chrono::milliseconds sweep_interval{30000};
  std::string version;
  bool metrics = false;
};

class Server final : public broker::Workers, public Pages {
 public:
  /// `modules` must stay. The listener is not served before start.
  Server(const ServerOptions& options, std::string instance, const modules::ModuleTable& modules,
         Descriptor listener);
  ~Server();

  broker::Grid& grid() noexcept { return grid_; }
  void start();
  /// Newcomers are told to come again; everybody else is sent away, a slice at a time. `finished`
  /// is called when nobody is left, or after `duration`.
  void drain(Control& control, std::chrono::milliseconds duration, std::function<void()> finished);
  /// Cuts whoever is left and joins the workers.
  void stop();

  // broker::Workers
  void post(std::uint16_t worker, std::function<void(broker::Broker&)> task) override;
  void flush(session::DirtyList& dirty) override;
  std::uint16_t count() const override { return static_cast<std::uint16_t>(workers_.size()); }

  // Pages
  Response render(PageRequest request) override;
  std::uint16_t choose_worker(std::uint16_t accepted_by) override;
  Room room() const override;
  bool is_overfull() const override;
  std::size_t largest_holding() const override;
  MemoryBudget& memory() override { return memory_; }
  void hand_over(Descriptor socket, std::uint16_t worker) override;

 private:
  /// Sums up what each worker has.
  template <class Figure>
  std::uint64_t total(Figure (Worker::*figure)() const noexcept) const;
  struct Drain {
    std::size_t nodes = 0;  // when it began
    std::size_t slice = 0;  // the next one; beyond the last all that are there, or come late, go
    std::size_t slices = 1;
    std::chrono::steady_clock::time_point deadline;
    std::function<void()> finished;
  };
  void drain_slice(Control& control, Drain drain);
  void send_away(const Drain& drain);

  const ServerOptions options_;
  MemoryBudget memory_;
  Descriptor listener_;
  session::OutletGrid outlets_;
  broker::Grid grid_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
};

}  // namespace crolang::net
