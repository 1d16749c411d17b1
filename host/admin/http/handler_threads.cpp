#include "admin/http/handler_threads.hpp"

#include <exception>
#include <utility>

#include "telemetry/log.hpp"

namespace crolang::admin::http {

HandlerThreads::HandlerThreads(const Site& site, std::function<void()> wake)
    : site_(site), wake_(std::move(wake)) {}

void HandlerThreads::start() {
  for (std::size_t i = 0; i < kThreads; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
}

void HandlerThreads::request_stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void HandlerThreads::stop() {
  request_stop();
  threads_.clear();
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  done_.clear();
}

HandlerThreads::Submitted HandlerThreads::submit(std::uint64_t connection, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) return Submitted::full;
    waiting_.emplace_back(connection, std::move(task));
  }
  has_task_.notify_one();
  return Submitted::yes;
}

std::vector<HandlerThreads::Done> HandlerThreads::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void HandlerThreads::run(const std::stop_token& stop) {
  for (;;) {
    std::pair<std::uint64_t, Task> next;
    {
      std::unique_lock lock(mutex_);
      if (!has_task_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    Outcome outcome = outcome_of(next.second, stop);
    {
      const std::lock_guard lock(mutex_);
      done_.push_back({next.first, std::move(outcome)});
    }
    wake_();
  }
}

Outcome HandlerThreads::outcome_of(const Task& task, const std::stop_token& stop) const {
  try {
    return task(stop);
  } catch (const std::exception& error) {
    telemetry::log::error("admin: a request failed", {{"why", error.what()}});
    return {site_.error(500, "the request failed; the broker's log says why"), {}};
  }
}

}  // namespace crolang::admin::http
