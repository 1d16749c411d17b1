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
    waiting_.push_back({connection, std::move(task)});
  }
  has_task_.notify_one();
  return Submitted::yes;
}

std::list<HandlerThreads::Job> HandlerThreads::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void HandlerThreads::run(const std::stop_token& stop) {
  for (;;) {
    std::list<Job> job;
    {
      std::unique_lock lock(mutex_);
      if (!has_task_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      job.splice(job.end(), waiting_, waiting_.begin());
    }
    job.front().outcome = outcome_of(job.front().task, stop);
    // What the task owns is not to be destroyed under the lock.
    job.front().task = nullptr;
    {
      const std::lock_guard lock(mutex_);
      done_.splice(done_.end(), job);
    }
    wake_();
  }
}

std::optional<Outcome> HandlerThreads::outcome_of(const Task& task,
                                                  const std::stop_token& stop) const noexcept {
  try {
    try {
      return task(stop);
    } catch (const std::exception& error) {
      telemetry::log::error("admin: a request failed", {{"why", error.what()}});
      return Outcome{site_.error(500, "the request failed; the broker's log says why"), {}};
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace crolang::admin::http
