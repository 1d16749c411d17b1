#pragma once
/// A control thread and a blocking pool that run when a test says so. Threads: one.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "plugin_host/host_services.hpp"

namespace crolang::test {

class ManualControl final : public plugin_host::ControlExecutor {
 public:
  void post(std::function<void()> function) noexcept override {
    posted_.push_back(std::move(function));
  }

  std::uint64_t post_after(std::chrono::milliseconds delay,
                           std::function<void()> function) noexcept override {
    timers_[++last_] = {delay, std::move(function)};
    return last_;
  }

  bool cancel(std::uint64_t timer) override { return timers_.erase(timer) > 0; }

  /// Runs what is posted, and what that posts.
  void run() {
    while (!posted_.empty()) {
      const auto function = std::move(posted_.front());
      posted_.pop_front();
      function();
    }
  }

  /// Runs all timers that are due after `delay` or earlier.
  void pass(std::chrono::milliseconds delay) {
    auto timers = std::exchange(timers_, {});
    for (auto& [number, timer] : timers) {
      if (timer.first <= delay) {
        post(std::move(timer.second));
      } else {
        timers_.emplace(number, std::move(timer));
      }
    }
    run();
  }

  std::size_t timers() const { return timers_.size(); }

 private:
  std::deque<std::function<void()>> posted_;
  std::map<std::uint64_t, std::pair<std::chrono::milliseconds, std::function<void()>>> timers_;
  std::uint64_t last_ = 0;
};

class ManualPool final : public plugin_host::BlockingPool {
 public:
  bool post(std::function<void()> function) override {
    if (!has_threads) return false;
    posted_.push_back(std::move(function));
    return true;
  }

  bool has_threads = true;

  std::size_t waiting() const { return posted_.size(); }

  void run_one() {
    const auto function = std::move(posted_.front());
    posted_.pop_front();
    function();
  }

 private:
  std::deque<std::function<void()>> posted_;
};

}  // namespace crolang::test
