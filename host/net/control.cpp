#include "net/control.hpp"

#include <signal.h>

#include <array>
#include <boost/asio/post.hpp>
#include <exception>
#include <new>
#include <span>
#include <utility>

#include "plugin_host/until_memory.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

namespace crolang::net {
namespace {

using plugin_host::until_there_is_memory;

constexpr std::array kHeld{SIGHUP, SIGUSR1, SIGUSR2};
constexpr std::array kEnding{SIGTERM, SIGINT, SIGQUIT};

/// `how` is SIG_BLOCK or SIG_UNBLOCK.
template <std::size_t... counts>
void mask_signals(int how, const std::array<int, counts>&... signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& each : {std::span<const int>(signals)...})
    for (const int signal : each) sigaddset(&set, signal);
  pthread_sigmask(how, &set, nullptr);
}

void log_not_started(const std::exception& error) {
  static telemetry::Throttle throttle{1};
  const auto suppressed = throttle.admit(std::chrono::steady_clock::now());
  if (!suppressed) return;
  telemetry::log::fault(
      "no thread could be started for a plugin that wants to block: raise the "
      "limit of processes (ulimit -u, TasksMax= in systemd, --pids-limit)",
      {{"why", error.what()}, {"suppressed", *suppressed}});
}

}  // namespace

Control::Control() : work_(boost::asio::make_work_guard(context_)), signals_(context_) {}

void Control::post(std::function<void()> function) noexcept {
  std::shared_ptr<std::function<void()>> kept;
  until_there_is_memory(
      [&] { kept = std::make_shared<std::function<void()>>(std::move(function)); });
  until_there_is_memory([&] { boost::asio::post(context_, [kept] { (*kept)(); }); });
}

std::uint64_t Control::post_after(std::chrono::milliseconds delay,
                                  std::function<void()> function) noexcept {
  const std::uint64_t number = ++last_timer_;
  const auto due = std::chrono::steady_clock::now() + delay;
  until_there_is_memory([&] {
    const std::lock_guard lock(armed_mutex_);
    armed_.insert(number);
  });
  std::shared_ptr<std::function<void()>> kept;
  until_there_is_memory(
      [&] { kept = std::make_shared<std::function<void()>>(std::move(function)); });
  // Timers live on the control thread only; who is on another one hands the whole thing over.
  if (context_.get_executor().running_in_this_thread()) {
    arm(number, due, kept);
  } else {
    until_there_is_memory([&] {
      boost::asio::post(context_, [this, number, due, kept] { arm(number, due, kept); });
    });
  }
  return number;
}

void Control::arm(std::uint64_t number, std::chrono::steady_clock::time_point due,
                  const std::shared_ptr<std::function<void()>>& function) noexcept {
  until_there_is_memory([&] {
    auto& timer = timers_[number];
    if (!timer) timer = std::make_unique<boost::asio::steady_timer>(context_, due);
    timer->async_wait([this, number, function](boost::system::error_code) {
      timers_.erase(number);
      if (disarm(number)) (*function)();
    });
  });
}

bool Control::cancel(std::uint64_t timer) {
  // The timer itself ends with its wait, which finds that nothing is to be done.
  if (!disarm(timer)) return false;
  if (const auto found = timers_.find(timer); found != timers_.end()) found->second->cancel();
  return true;
}

bool Control::disarm(std::uint64_t timer) {
  const std::lock_guard lock(armed_mutex_);
  return armed_.erase(timer) != 0;
}

void Control::hold_signals() {
  mask_signals(SIG_BLOCK, kHeld);
}

void Control::catch_signals() {
  for (const int signal : kHeld) signals_.add(signal);
  for (const int signal : kEnding) signals_.add(signal);
  // A system call that a signal interrupts is the business of the thread that waits for signals.
  mask_signals(SIG_BLOCK, kHeld, kEnding);
  catches_signals_ = true;
}

void Control::on_signal(std::function<void(int)> handler) {
  on_signal_ = std::move(handler);
  wait_for_signal();
}

void Control::wait_for_signal() noexcept {
  until_there_is_memory([this] {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;
      wait_for_signal();
      on_signal_(signal);
    });
  });
}

void Control::run() {
  if (catches_signals_) mask_signals(SIG_UNBLOCK, kHeld, kEnding);
  for (;;) {
    try {
      context_.run();
      break;
    } catch (const std::exception& error) {
      telemetry::log::fault("something on the control thread went wrong", {{"why", error.what()}});
    }
  }
  context_.restart();
  if (catches_signals_) mask_signals(SIG_BLOCK, kHeld, kEnding);
}

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
    // Behind those that may hang it would wait for as long as they do.
    waiting_.pop_back();
    log_not_started(error);
    return false;
  }
}

void BlockingThreads::run() {
  // Whoever posted may be the thread that waits for them.
  mask_signals(SIG_BLOCK, kHeld, kEnding);
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
    }  // what it holds ends without the lock, too
    lock.lock();
  }
}

}  // namespace crolang::net
