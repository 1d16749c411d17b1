#pragma once
/// The control thread: signals, timers and the life of plugins; and the threads that may block for
/// them. Threads: run on one; post, post_after from any; cancel on the control thread. Errors: what
/// a function throws is logged, and the next one runs.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plugin_host/host_services.hpp"

namespace crolang::net {

class Control final : public plugin_host::ControlExecutor {
 public:
  Control();

  void post(std::function<void()> function) noexcept override;
  std::uint64_t post_after(std::chrono::milliseconds delay,
                           std::function<void()> function) noexcept override;
  bool cancel(std::uint64_t timer) override;

  /// To be called by the first thread before there is another. From now on SIGHUP, SIGUSR1 and
  /// SIGUSR2, which would end the process, wait until they are caught.
  static void hold_signals();
  /// From now on SIGTERM, SIGINT, SIGQUIT and those that are held do nothing by themselves: they
  /// wait for a handler. Threads that this one starts are not interrupted by them.
  void catch_signals();
  /// Called each time one comes, and for one that waits.
  void on_signal(std::function<void(int)> handler);
  /// Until stop; may be called again afterwards. Signals arrive meanwhile.
  void run();
  void stop() { context_.stop(); }

 private:
  void wait_for_signal() noexcept;
  void arm(std::uint64_t number, std::chrono::steady_clock::time_point due,
           const std::shared_ptr<std::function<void()>>& function) noexcept;
  bool disarm(std::uint64_t timer);

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::signal_set signals_;
  std::function<void(int)> on_signal_;
  bool catches_signals_ = false;
  std::atomic<std::uint64_t> last_timer_{0};
  std::unordered_map<std::uint64_t, std::unique_ptr<boost::asio::steady_timer>> timers_;
  std::mutex armed_mutex_;  // guards armed_
  std::unordered_set<std::uint64_t>
      armed_;  // numbers given out that have neither run nor been cancelled
};

/// Grows by a thread whenever none is idle: who waits for a hung server must not make others wait.
/// What bounds it are the quotas of those who post.
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

}  // namespace crolang::net
