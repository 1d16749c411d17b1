#include "net/plugin_io.hpp"

#include "crolang/until_memory.hpp"

namespace crolang::net {

struct PluginIo::Table {
  Table(PluginIo& owner, const char* id)
      : io(owner),
        plugin(id),
        table{sizeof(crolang_io),
              static_cast<std::uint32_t>(owner.loops_.size()),
              this,
              &current_worker,
              &watch,
              &modify,
              &unwatch,
              &set_timer,
              &cancel_timer,
              &post} {}

  static Table& of(void* ctx) { return *static_cast<Table*>(ctx); }
  static PluginLoop* loop_of(void* ctx, std::uint64_t number) {
    return of(ctx).io.find_loop(PluginLoop::worker_of(number));
  }

  static std::uint32_t current_worker(void*) noexcept { return PluginLoop::current_worker(); }

  static std::uint64_t watch(void* ctx, std::uint32_t worker, std::int32_t fd, std::uint32_t events,
                             crolang_io_fn fn, void* arg) noexcept {
    PluginLoop* const loop = of(ctx).io.find_loop(worker);
    return loop == nullptr ? 0 : loop->watch(of(ctx).plugin, fd, events, fn, arg);
  }

  static bool modify(void* ctx, std::uint64_t watch, std::uint32_t events) noexcept {
    PluginLoop* const loop = loop_of(ctx, watch);
    return loop != nullptr && loop->modify(watch, events);
  }

  static bool unwatch(void* ctx, std::uint64_t watch, void (*done)(void*), void* arg) noexcept {
    PluginLoop* const loop = loop_of(ctx, watch);
    return loop != nullptr && loop->unwatch(watch, done, arg);
  }

  static std::uint64_t set_timer(void* ctx, std::uint32_t worker, std::uint32_t ms,
                                 void (*fn)(void*), void* arg) noexcept {
    PluginLoop* const loop = of(ctx).io.find_loop(worker);
    if (loop == nullptr) return 0;
    return loop->set_timer(of(ctx).plugin, std::chrono::milliseconds(ms), fn, arg);
  }

  static bool cancel_timer(void* ctx, std::uint64_t timer) noexcept {
    PluginLoop* const loop = loop_of(ctx, timer);
    return loop != nullptr && loop->cancel_timer(timer);
  }

  static bool post(void* ctx, std::uint32_t worker, void (*fn)(void*), void* arg) noexcept {
    PluginLoop* const loop = of(ctx).io.find_loop(worker);
    return loop != nullptr && loop->post(of(ctx).plugin, fn, arg);
  }

  PluginIo& io;
  const char* const plugin;
  const crolang_io table;
};

PluginIo::PluginIo(std::uint16_t workers) {
  for (std::uint16_t i = 0; i < workers; ++i) loops_.push_back(std::make_unique<PluginLoop>(i));
}

PluginIo::~PluginIo() = default;

PluginLoop* PluginIo::find_loop(std::uint32_t worker) const noexcept {
  return worker < loops_.size() ? loops_[worker].get() : nullptr;
}

const void* PluginIo::find(const char* plugin_id, std::string_view name) noexcept {
  if (name != CROLANG_IO) return nullptr;
  const crolang_io* table = nullptr;
  until_there_is_memory([&] {
    const std::lock_guard lock(mutex_);
    auto found = tables_.find(std::string_view(plugin_id));
    if (found == tables_.end()) {
      found = tables_.emplace(plugin_id, std::make_unique<Table>(*this, plugin_id)).first;
    }
    table = &found->second->table;
  });
  return table;
}

}  // namespace crolang::net
