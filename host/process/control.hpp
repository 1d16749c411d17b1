#pragma once
/// The control thread: signals, timers and the life of plugins. Threads: run on one; post and
/// post_after from any; cancel on the control thread. Errors: what a function throws is logged, and
/// the next one runs.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "plugin_host/host_services.hpp"

namespace crolang::process {

class Control final : public plugin_host::ControlExecutor {
 public:
  Control();

  void post(std::function<void()> function) noexcept override;
  std::uint64_t post_after(std::chrono::milliseconds delay,
                           std::function<void()> function) noexcept override;
  bool cancel(std::uint64_t timer) override;

  /// To be called by the first thread before there is another. From now on SIGHUP, SIGUSR1 and
  /// SIGUSR2, which would end the process, stay pending until catch_signals.
  static void hold_signals();
  /// From now on SIGTERM, SIGINT, SIGQUIT and the held signals have no default effect: they stay
  /// pending until there is a handler. Threads that this one starts are not interrupted by them.
  void catch_signals();
  /// `handler` is called for each signal, also for one that is pending.
  void on_signal(std::function<void(int)> handler);
  /// Runs posted functions, timers and the signal handler until stop; may be called again
  /// afterwards.
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

}  // namespace crolang::process
