#include "plugin_host/host_services.hpp"

#include <atomic>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "crolang/until_memory.hpp"
#include "plugin_host/variable_values.hpp"

namespace crolang::plugin_host {
struct PluginServices::State : std::enable_shared_from_this<PluginServices::State> {
  State(const crolang_plugin& plugin, const Services& services)
      : control(services.control),
        pool(services.blocking),
        log(services.log),
        optional(services.optional),
        plugin_id(plugin.id),
        id(plugin.id),
        quota(services.blocking_quota) {
    publish(std::make_unique<const VariableValues>(plugin, services.env));
  }

  void publish(std::unique_ptr<const VariableValues> next) {
    values.push_back(std::move(next));
    current.store(values.back().get(), std::memory_order_release);
  }

  static State& of(void* ctx) { return *static_cast<State*>(ctx); }

  // Plugins call these functions through C, so nothing is thrown.

  static void log_line(void* ctx, std::int32_t level, crolang_str text) noexcept {
    of(ctx).log(level, of(ctx).id, {text.data, text.size});
  }

  static bool find_env(void* ctx, const char* name, crolang_str* value) noexcept {
    const State& state = of(ctx);
    const auto found = state.current.load(std::memory_order_acquire)->find(name, *value);
    if (found == VariableValues::Found::undeclared) {
      until_there_is_memory([&] {
        const std::string line =
            "asks for the variable " + std::string(name) + ", which it does not declare";
        state.log(CROLANG_LOG_ERROR, state.id, line);
      });
    }
    return found == VariableValues::Found::value;
  }

  std::function<void()> unless_closed(void (*function)(void*), void* arg) {
    std::function<void()> made;
    until_there_is_memory([&] {
      made = [self = shared_from_this(), function, arg] {
        if (!self->closed) function(arg);
      };
    });
    return made;
  }

  static void post(void* ctx, void (*function)(void*), void* arg) noexcept {
    of(ctx).control.post(of(ctx).unless_closed(function, arg));
  }

  static std::uint64_t post_after(void* ctx, std::uint32_t ms, void (*function)(void*),
                                  void* arg) noexcept {
    return of(ctx).control.post_after(std::chrono::milliseconds(ms),
                                      of(ctx).unless_closed(function, arg));
  }

  static bool cancel(void* ctx, std::uint64_t timer) noexcept {
    return of(ctx).control.cancel(timer);
  }

  static bool run_blocking(void* ctx, void (*function)(void*), void* arg) noexcept {
    State& state = of(ctx);
    {
      const std::lock_guard lock(state.mutex);
      if (state.blocking >= state.quota) return false;
      ++state.blocking;
    }
    std::function<void()> call;
    try {
      call = [self = state.shared_from_this(), function, arg] {
        function(arg);
        self->leave_blocking();
      };
    } catch (const std::bad_alloc&) {
    }
    if (call && state.pool.post(std::move(call))) return true;
    state.leave_blocking();
    return false;
  }

  static const void* service(void* ctx, const char* name) noexcept {
    const State& state = of(ctx);
    for (ServiceProvider* const provider : state.optional) {
      if (const void* const found = provider->find(state.plugin_id, name)) return found;
    }
    return nullptr;
  }

  void leave_blocking() {
    std::function<void()> now_idle;
    {
      const std::lock_guard lock(mutex);
      if (--blocking > 0) return;
      now_idle = std::exchange(idle, nullptr);
    }
    if (now_idle) control.post(std::move(now_idle));
  }

  ControlExecutor& control;
  BlockingPool& pool;
  const LogSink log;
  const std::vector<ServiceProvider*> optional;
  const char* const plugin_id;  // of the plugin's file, so it lives for the process
  const std::string id;
  const std::size_t quota;
  // Never freed before the plugin, which may keep any value that it was given. Control thread only.
  std::vector<std::unique_ptr<const VariableValues>> values;
  std::atomic<const VariableValues*> current = nullptr;  // the last of them
  bool closed = false;                                   // control thread only

  mutable std::mutex mutex;  // guards what follows
  std::size_t blocking = 0;
  std::function<void()> idle;

  const crolang_host table{
      sizeof(crolang_host), CROLANG_ABI_MINOR, this,          &log_line, &find_env, &post,
      &post_after,          &cancel,           &run_blocking, &service};
};

PluginServices::PluginServices(const crolang_plugin& plugin, const Services& services)
    : state_(std::make_shared<State>(plugin, services)) {}

PluginServices::~PluginServices() = default;

const crolang_host* PluginServices::table() const noexcept {
  return &state_->table;
}

void PluginServices::reload(const crolang_plugin& plugin, const Lookup& values) {
  auto next = state_->values.back()->reloaded(plugin, values);
  if (next) state_->publish(std::make_unique<const VariableValues>(*std::move(next)));
}

std::size_t PluginServices::blocking() const {
  const std::lock_guard lock(state_->mutex);
  return state_->blocking;
}

void PluginServices::when_idle(std::function<void()> idle) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->blocking > 0) {
      state_->idle = std::move(idle);
      return;
    }
  }
  // Posted, so that it runs after the plugin's posted functions.
  state_->control.post(std::move(idle));
}

void PluginServices::close() {
  state_->closed = true;
}

}  // namespace crolang::plugin_host
