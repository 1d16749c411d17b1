#include "net/control.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

namespace crolang::net {

Control::Control() : work_(boost::asio::make_work_guard(context_)), signals_(context_) {}

void Control::post(std::function<void()> function) {
  boost::asio::post(context_, std::move(function));
}

std::uint64_t Control::post_after(std::chrono::milliseconds delay, std::function<void()> function) {
  const std::uint64_t number = ++last_timer_;
  const auto due = std::chrono::steady_clock::now() + delay;
  {
    const std::lock_guard lock(armed_mutex_);
    armed_.insert(number);
  }
  // Timers live on the control thread only; who is on another one hands the whole thing over.
  boost::asio::dispatch(context_, [this, number, due, call = std::move(function)]() mutable {
    auto timer = std::make_unique<boost::asio::steady_timer>(context_, due);
    boost::asio::steady_timer& reference = *timer;
    timers_.emplace(number, std::move(timer));
    reference.async_wait([this, number, run = std::move(call)](boost::system::error_code) {
      timers_.erase(number);
      if (disarm(number)) run();
    });
  });
  return number;
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

void Control::catch_signals() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
}

void Control::on_signal(std::function<void(int)> handler) {
  on_signal_ = std::move(handler);
  wait_for_signal();
}

void Control::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    wait_for_signal();
    on_signal_(signal);
  });
}

void Control::run() {
  context_.run();
  context_.restart();
}

BlockingThreads::~BlockingThreads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockingThreads::post(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(function));
  if (waiting_.size() > idle_) {
    threads_.emplace_back([this] { run(); });
  } else {
    changed_.notify_one();
  }
}

void BlockingThreads::run() {
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
