#include "process/blocking_threads.hpp"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "process/signals.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::process {
namespace {

void log_not_started(const std::exception& error) {
  static telemetry::Throttle throttle{1};
  const auto suppressed = throttle.admit(std::chrono::steady_clock::now());
  if (!suppressed) return;
  telemetry::log::error(
      "no thread could be started for a blocking function of a plugin: raise the "
      "limit of processes (ulimit -u, TasksMax= in systemd, --pids-limit)",
      {{"why", error.what()}, {"suppressed", *suppressed}});
}

}  // namespace

BlockingThreads::~BlockingThreads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool BlockingThreads::post(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  try {
    waiting_.push_back(std::move(function));
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (waiting_.size() <= idle_) {
    changed_.notify_one();
    return true;
  }
  try {
    threads_.emplace_back([this] { run(); });
    return true;
  } catch (const std::exception& error) {
    // A function queued behind others that hang would wait as long as they do, so it is refused.
    waiting_.pop_back();
    log_not_started(error);
    return false;
  }
}

void BlockingThreads::run() {
  // The thread that posted may be the one that waits for signals.
  block_all_signals();
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    {
      const std::function<void()> function = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      function();
    }  // what it holds is destroyed without the lock, too
    lock.lock();
  }
}

}  // namespace crolang::process
