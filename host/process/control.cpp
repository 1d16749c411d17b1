#include "process/control.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <new>
#include <utility>

#include "crolang/until_memory.hpp"
#include "process/signals.hpp"
#include "telemetry/log.hpp"

namespace crolang::process {

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
  // Timers are used on the control thread only; any other thread posts the call to it.
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
  // The timer object is erased by its wait handler, which finds the number disarmed.
  if (!disarm(timer)) return false;
  if (const auto found = timers_.find(timer); found != timers_.end()) found->second->cancel();
  return true;
}

bool Control::disarm(std::uint64_t timer) {
  const std::lock_guard lock(armed_mutex_);
  return armed_.erase(timer) != 0;
}

void Control::hold_signals() {
  block_held_signals();
}

void Control::catch_signals() {
  for (const int signal : kHeldSignals) signals_.add(signal);
  for (const int signal : kEndingSignals) signals_.add(signal);
  // Only the thread that waits for signals may have its system calls interrupted by one.
  block_all_signals();
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
  if (catches_signals_) unblock_all_signals();
  for (;;) {
    try {
      context_.run();
      break;
    } catch (const std::exception& error) {
      telemetry::log::error("a function on the control thread failed", {{"why", error.what()}});
    }
  }
  context_.restart();
  if (catches_signals_) block_all_signals();
}

}  // namespace crolang::process
