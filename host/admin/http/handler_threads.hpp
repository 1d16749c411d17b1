#pragma once
/// The threads that run what may block, and the queue before them.
/// Threads: submit and take on the loop's thread; tasks run on threads of this object. Errors: what
/// a task throws is logged and becomes a 500; std::system_error if there is no thread;
/// std::bad_alloc from submit.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "admin/http/site.hpp"

namespace crolang::admin::http {

class HandlerThreads {
 public:
  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kMostWaiting = 64;

  /// `wake` is called by a handler thread when an outcome can be taken.
  HandlerThreads(const Site& site, std::function<void()> wake);
  ~HandlerThreads() { stop(); }

  void start();
  /// Tasks that wait are dropped; running ones are asked to stop, and waited for.
  void stop();
  /// Only the first half of stop.
  void request_stop();

  enum class Submitted : std::uint8_t { yes, full };
  Submitted submit(std::uint64_t connection, Task task);

  struct Job {
    std::uint64_t connection;
    Task task;
    std::optional<Outcome> outcome{};  ///< when it is done; nullopt: there was no memory for one
  };
  /// Those that are done.
  std::list<Job> take();

 private:
  void run(const std::stop_token& stop);
  /// An exception would end the process.
  std::optional<Outcome> outcome_of(const Task& task, const std::stop_token& stop) const noexcept;

  const Site& site_;
  const std::function<void()> wake_;
  std::mutex mutex_;  // guards what follows, up to done_
  std::condition_variable_any has_task_;
  // Jobs are moved from list to list, which needs no memory.
  std::list<Job> waiting_;
  std::list<Job> done_;
  std::vector<std::jthread> threads_;
};

}  // namespace crolang::admin::http
