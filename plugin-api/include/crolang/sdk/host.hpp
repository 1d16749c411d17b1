/// The broker's services, crolang/host.h in C++.
#pragma once

#include <crolang/host.h>

#include <chrono>
#include <concepts>
#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/variables.hpp>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace crolang::plugin {

namespace detail {

struct Task {
  virtual ~Task() = default;
  virtual void run() = 0;
  struct Services* services = nullptr;
};

template <class F>
struct TaskOf final : Task {
  explicit TaskOf(F given) : function(std::move(given)) {}
  void run() override { function(); }
  F function;
};

/// State shared by all copies of a Host: the broker's table, and the functions passed to the broker
/// that have not run yet, so that none leaks when the broker drops it.
struct Services {
  explicit Services(const crolang_host* host) noexcept : table(host) {}

  template <class F>
  TaskOf<std::decay_t<F>>* keep(F&& function) {
    auto task = std::make_unique<TaskOf<std::decay_t<F>>>(std::forward<F>(function));
    auto* const kept = task.get();
    kept->services = this;
    const std::lock_guard lock(mutex);
    tasks.emplace(kept, std::move(task));
    return kept;
  }

  std::unique_ptr<Task> take(const void* kept) {
    const std::lock_guard lock(mutex);
    const auto found = tasks.find(kept);
    if (found == tasks.end()) return nullptr;
    auto task = std::move(found->second);
    tasks.erase(found);
    return task;
  }

  void drop_tasks() {
    std::unordered_map<const void*, std::unique_ptr<Task>> dropped;
    const std::lock_guard lock(mutex);
    dropped.swap(tasks);
  }

  void log(LogLevel level, std::string_view text) const noexcept {
    table->log(table->ctx, static_cast<std::int32_t>(level), raw(text));
  }

  static void run(void* kept) noexcept {
    Services* const services = static_cast<Task*>(kept)->services;
    try {
      if (const auto task = services->take(kept)) task->run();
    } catch (const std::exception& error) {
      services->log(LogLevel::error, error.what());
    } catch (...) {
      services->log(LogLevel::error, "exception of unknown type");
    }
  }

  const crolang_host* table;
  std::mutex mutex;  // guards tasks
  std::unordered_map<const void*, std::unique_ptr<Task>> tasks;
};

/// Calls a handler; if it throws, answers the question with the exception's text.
template <class A, class Invoke>
void ask(const Services& services, A answer, Invoke&& invoke) noexcept {
  const auto function = answer.raw_function();
  void* const call = answer.raw_call();
  Handling handling(call);
  const auto fail = [&](Status status, std::string_view text) {
    if (handling.given_back) {
      A(function, call, 0).fail(status, text);
    } else {
      services.log(LogLevel::error, text);
    }
  };
  try {
    invoke(std::move(answer));
    if (handling.given_back) fail(Status::internal, kUnanswered);
  } catch (const std::bad_alloc&) {
    fail(Status::unavailable, kNoMemory);
  } catch (const std::system_error& error) {
    fail(Status::unavailable, error.what());
  } catch (const std::exception& error) {
    fail(Status::internal, error.what());
  } catch (...) {
    fail(Status::internal, "exception of unknown type");
  }
}

template <class A, class F>
struct Blocking {
  void operator()() {
    ask(*services, std::move(answer), [this](A asked) { function(std::move(asked)); });
  }
  const Services* services;
  A answer;
  F function;
};

}  // namespace detail

/// A timer of Host::post_after. Copy it freely.
struct Timer {
  std::uint64_t number = 0;
  const void* task = nullptr;
};

/// The broker's services. Thread: any, unless a function says otherwise. Copy it freely; it may be
/// used until the plugin's destructor has returned.
class Host {
 public:
  explicit Host(const crolang_host* table) : services_(std::make_shared<detail::Services>(table)) {}

  /// Writes one line to the broker's log, with the plugin's id.
  void log(LogLevel level, std::string_view text) const noexcept { services_->log(level, text); }

  /// The values of the plugin's variables; those declared CROLANG_RELOADABLE change before reload.
  operator Variables() const noexcept { return {table().env, table().ctx}; }
  std::string_view env(const char* name) const noexcept { return Variables(*this).env(name); }
  std::optional<std::string_view> find_env(const char* name) const noexcept {
    return Variables(*this).find_env(name);
  }

  /// Runs the function on the control thread, as soon as possible, in the order of the posts.
  template <std::invocable F>
  void post(F&& function) const {
    table().post(table().ctx, &detail::Services::run, services_->keep(std::forward<F>(function)));
  }

  /// Runs the function on the control thread after a delay. Timers are dropped when the plugin is
  /// destroyed.
  template <std::invocable F>
  Timer post_after(std::chrono::milliseconds delay, F&& function) const {
    auto* const task = services_->keep(std::forward<F>(function));
    const auto ms = static_cast<std::uint32_t>(delay.count());
    return {table().post_after(table().ctx, ms, &detail::Services::run, task), task};
  }

  /// Thread: control. True: the timer's function will not run.
  bool cancel(Timer timer) const {
    if (!table().cancel(table().ctx, timer.number)) return false;
    services_->take(timer.task);
    return true;
  }

  /// Runs `function(answer)` on a thread that may block. When the plugin's quota is used up, the
  /// question is answered with Status::unavailable instead.
  template <class A, std::invocable<A> F>
  void run_blocking(A answer, F&& function) const {
    auto* const task = services_->keep(detail::Blocking<A, std::decay_t<F>>{
        services_.get(), std::move(answer), std::forward<F>(function)});
    if (table().run_blocking(table().ctx, &detail::Services::run, task)) return;
    task->function.answer.fail(Status::unavailable,
                               "too many blocking calls are open, or there is no thread for one");
    services_->take(task);
  }

  /// An optional service by name and revision, as service<crolang_io>(CROLANG_IO); nullptr: this
  /// broker does not have it.
  template <class Table>
  const Table* service(const char* name_and_revision) const noexcept {
    return static_cast<const Table*>(table().service(table().ctx, name_and_revision));
  }

  /// For the SDK.
  detail::Services& services() const noexcept { return *services_; }

 private:
  const crolang_host& table() const noexcept { return *services_->table; }

  std::shared_ptr<detail::Services> services_;
};

}  // namespace crolang::plugin
