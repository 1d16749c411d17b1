#pragma once
/// Other threads' commands for a worker, kept until it collects them, with one wake-up per batch.
/// Threads: push from any; collect on the owning worker.

#include <mutex>
#include <utility>
#include <vector>

namespace crolang::net {

template <class Task>
class Mailbox {
 public:
  /// True: the worker has to be woken.
  bool push(Task task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    return tasks_.size() == 1;
  }

  /// Runs the tasks that have been pushed by now; those pushed meanwhile stay for the next call.
  template <class Run>
  void collect(Run&& run) {
    {
      const std::lock_guard lock(mutex_);
      collecting_.swap(tasks_);
    }
    for (Task& task : collecting_) run(task);
    collecting_.clear();
  }

 private:
  std::mutex mutex_;  // guards tasks_
  std::vector<Task> tasks_;
  std::vector<Task> collecting_;
};

}  // namespace crolang::net
