#pragma once
/// The threads that may block for plugins. Threads: post from any. Errors: what cannot be run is
/// refused.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "plugin_host/host_services.hpp"

namespace crolang::process {

/// Starts a thread whenever none is idle, so that a function that waits for a hung server delays no
/// other. The number of threads is bounded by the plugins' quotas.
class BlockingThreads final : public plugin_host::BlockingPool {
 public:
  ~BlockingThreads() override;
  bool post(std::function<void()> function) override;

 private:
  void run();

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace crolang::process
