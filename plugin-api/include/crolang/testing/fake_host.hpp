/// A broker's services for tests, in this process: a control thread, threads that may block,
/// variables, a log and metrics that can be read. Running is a plugin created in it, and
/// check_variables has a plugin validate values without creating it. Threads: any. Errors:
/// std::runtime_error with the error text of the plugin or the loader.
#pragma once

#include <crolang/plugin.h>
#include <dlfcn.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <crolang/testing/fake_metrics.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace crolang::plugin::testing {

using Env = std::map<std::string, std::string, std::less<>>;

namespace detail {

/// The value that the plugin sees: the one that is set, else the default, else none.
inline std::optional<std::string> value_of(const crolang_env& variable, const Env& env) {
  const auto set = env.find(variable.name);
  if (set != env.end()) return set->second;
  if (variable.default_value != nullptr) return variable.default_value;
  return std::nullopt;
}

}  // namespace detail

class FakeHost {
 public:
  struct Line {
    std::int32_t level;
    std::string text;
  };

  /// Only variables that the plugin declares are available, with the defaults it declares.
  explicit FakeHost(const crolang_plugin& plugin, const Env& env = {}, std::size_t quota = 32)
      : quota_(quota), control_([this] { run_control(); }) {
    for (std::size_t i = 0; i < plugin.env_count; ++i) {
      env_[plugin.env[i].name].push_back(detail::value_of(plugin.env[i], env));
    }
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() {
    wait_until_idle();
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    control_.join();
  }

  const crolang_host* table() const noexcept { return &table_; }

  /// Sets the values of CROLANG_RELOADABLE variables to those in `env`, as before a reload.
  void set_env(const crolang_plugin& plugin, const Env& env) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < plugin.env_count; ++i) {
      if ((plugin.env[i].flags & CROLANG_RELOADABLE) == 0) continue;
      env_[plugin.env[i].name].push_back(detail::value_of(plugin.env[i], env));
    }
  }

  std::vector<Line> log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  const FakeMetrics& metrics() const noexcept { return metrics_; }

  /// Runs the function on the control thread and waits for it. Rethrows its exceptions.
  void on_control(std::function<void()> function) {
    const auto task = std::make_shared<std::packaged_task<void()>>(std::move(function));
    auto outcome = task->get_future();
    enqueue([task] { (*task)(); });
    outcome.get();
  }

  /// Waits until no blocking and no posted function is pending, ignoring timers.
  void wait_until_idle() {
    std::vector<std::thread> ended;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return blocking_ == 0 && posted_.empty() && !running_; });
      ended.swap(blocking_threads_);
    }
    for (std::thread& thread : ended) thread.join();
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Function = std::function<void()>;

  static FakeHost& of(void* ctx) { return *static_cast<FakeHost*>(ctx); }

  static void log_line(void* ctx, std::int32_t level, crolang_str text) {
    of(ctx).add_line(level, std::string(text.data, text.size));
  }

  static bool find_env(void* ctx, const char* name, crolang_str* value) {
    FakeHost& host = of(ctx);
    const std::lock_guard lock(host.mutex_);
    const auto found = host.env_.find(std::string_view(name));
    if (found == host.env_.end()) {
      host.log_.push_back({CROLANG_LOG_ERROR, std::string("undeclared variable ") + name});
      return false;
    }
    const std::optional<std::string>& text = found->second.back();
    if (!text) return false;
    *value = {text->data(), text->size()};
    return true;
  }

  static void post(void* ctx, void (*function)(void*), void* arg) {
    of(ctx).enqueue([function, arg] { function(arg); });
  }

  static std::uint64_t post_after(void* ctx, std::uint32_t ms, void (*function)(void*), void* arg) {
    FakeHost& host = of(ctx);
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(host.mutex_);
      number = ++host.last_timer_;
      host.timers_[{Clock::now() + std::chrono::milliseconds(ms), number}] = [function, arg] {
        function(arg);
      };
    }
    host.changed_.notify_all();
    return number;
  }

  static bool cancel(void* ctx, std::uint64_t number) {
    const std::lock_guard lock(of(ctx).mutex_);
    return std::erase_if(of(ctx).timers_,
                         [&](const auto& timer) { return timer.first.second == number; }) > 0;
  }

  static bool run_blocking(void* ctx, void (*function)(void*), void* arg) {
    FakeHost& host = of(ctx);
    const std::lock_guard lock(host.mutex_);
    if (host.blocking_ >= host.quota_) return false;
    ++host.blocking_;
    host.blocking_threads_.emplace_back([&host, function, arg] {
      function(arg);
      const std::lock_guard done(host.mutex_);
      --host.blocking_;
      host.changed_.notify_all();
    });
    return true;
  }

  static const void* service(void* ctx, const char* name) {
    return std::string_view(name) == CROLANG_METRICS ? of(ctx).metrics_.table() : nullptr;
  }

  void add_line(std::int32_t level, std::string text) {
    const std::lock_guard lock(mutex_);
    log_.push_back({level, std::move(text)});
  }

  void enqueue(Function function) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(function));
    }
    changed_.notify_all();
  }

  void run_control() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      if (!timers_.empty() && timers_.begin()->first.first <= Clock::now()) {
        posted_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
      }
      if (!posted_.empty()) {
        const Function function = std::move(posted_.front());
        posted_.pop_front();
        running_ = true;
        lock.unlock();
        function();
        lock.lock();
        running_ = false;
        changed_.notify_all();
      } else if (timers_.empty()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, timers_.begin()->first.first);
      }
    }
  }

  const crolang_host table_{
      sizeof(crolang_host), CROLANG_ABI_MINOR, this,          &log_line, &find_env, &post,
      &post_after,          &cancel,           &run_blocking, &service};
  const std::size_t quota_;
  FakeMetrics metrics_;

  mutable std::mutex mutex_;  // guards what follows
  // All values so far, since a plugin may keep them; the last one is current.
  std::map<std::string, std::deque<std::optional<std::string>>, std::less<>> env_;
  std::condition_variable changed_;
  std::vector<Line> log_;
  std::deque<Function> posted_;
  std::map<std::pair<Clock::time_point, std::uint64_t>, Function> timers_;
  std::uint64_t last_timer_ = 0;
  std::size_t blocking_ = 0;
  std::vector<std::thread> blocking_threads_;
  bool running_ = false;
  bool ended_ = false;

  std::thread control_;
};

/// Opens a plugin's file, which stays open, and returns its entry.
inline const crolang_plugin& open_file(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void* const symbol = library == nullptr ? nullptr : dlsym(library, "crolang_plugin_entry");
  if (symbol == nullptr) throw std::runtime_error(dlerror());
  return *static_cast<const crolang_plugin*>(symbol);
}

/// A plugin's findings about the values of its variables.
struct Checked {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

/// Has the plugin validate the values; no findings if it has no `check`.
inline Checked check_variables(const crolang_plugin& plugin, const Env& env = {}) {
  struct Context {
    std::map<std::string, std::optional<std::string>, std::less<>> values{};
    Checked checked{};
  } context;
  for (std::size_t i = 0; i < plugin.env_count; ++i) {
    context.values[plugin.env[i].name] = detail::value_of(plugin.env[i], env);
  }
  const auto find_env = [](void* ctx, const char* name, crolang_str* value) {
    auto& [values, checked] = *static_cast<Context*>(ctx);
    const auto found = values.find(std::string_view(name));
    if (found == values.end()) {
      checked.faults.push_back(std::string("undeclared variable ") + name);
      return false;
    }
    if (!found->second) return false;
    *value = {found->second->data(), found->second->size()};
    return true;
  };
  const auto fault = [](void* ctx, crolang_str sentence) {
    static_cast<Context*>(ctx)->checked.faults.emplace_back(sentence.data, sentence.size);
  };
  const auto warning = [](void* ctx, crolang_str sentence) {
    static_cast<Context*>(ctx)->checked.warnings.emplace_back(sentence.data, sentence.size);
  };
  const crolang_check table{sizeof(crolang_check), &context, find_env, fault, warning};
  if (CROLANG_HAS(&plugin, check) && plugin.check != nullptr) plugin.check(&table);
  return std::move(context.checked);
}

/// A created plugin in a FakeHost of its own. The destructor stops and destroys it.
class Running {
 public:
  explicit Running(const crolang_plugin& plugin, const Env& env = {}, std::size_t quota = 32)
      : plugin_(plugin), host_(plugin, env, quota) {
    std::array<char, 512> error{};
    crolang_status status = CROLANG_INTERNAL;
    host_.on_control(
        [&] { status = plugin_.create(host_.table(), &self_, error.data(), error.size()); });
    if (status != CROLANG_OK) throw std::runtime_error(error.data());
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    stop();
    host_.wait_until_idle();
    host_.on_control([this] { plugin_.destroy(self_); });
  }

  /// nullptr: the plugin does not provide the kind.
  template <class Table>
  const Table* table(std::string_view kind) const {
    for (std::size_t i = 0; i < plugin_.module_count; ++i) {
      if (plugin_.modules[i].kind == kind)
        return static_cast<const Table*>(plugin_.modules[i].table);
    }
    return nullptr;
  }

  void* self() const noexcept { return self_; }
  FakeHost& host() noexcept { return host_; }

  /// Reloads as after SIGHUP, with these values instead of those it was created with.
  void reload(const Env& env) {
    if (!CROLANG_HAS(&plugin_, reload) || plugin_.reload == nullptr) return;
    host_.on_control([&] {
      host_.set_env(plugin_, env);
      plugin_.reload(self_);
    });
  }

  /// May be called more than once. A plugin that does not stop within 10 s terminates the process.
  void stop() {
    if (std::exchange(stopping_, true)) return;
    host_.on_control([this] { plugin_.stop(self_, &Running::on_stopped, this); });
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(10), [this] { return stopped_; })) {
      std::terminate();
    }
  }

 private:
  static void on_stopped(void* call) {
    auto& running = *static_cast<Running*>(call);
    const std::lock_guard lock(running.mutex_);
    running.stopped_ = true;
    running.changed_.notify_all();
  }

  const crolang_plugin& plugin_;
  FakeHost host_;
  void* self_ = nullptr;
  bool stopping_ = false;

  std::mutex mutex_;  // guards stopped_
  std::condition_variable changed_;
  bool stopped_ = false;
};

}  // namespace crolang::plugin::testing
