#pragma once
/// What the broker does for a plugin: the functions behind crolang_host.
/// Threads: the table's functions as crolang/host.h says; the rest on the control thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "crolang/plugin.h"
#include "plugin_host/lookup.hpp"

namespace crolang::plugin_host {

/// The control thread. Functions run one at a time, in the order of the posts. Threads: any.
/// Errors: none; a posted function is never lost: without memory, post blocks until there is some.
struct ControlExecutor {
  virtual ~ControlExecutor() = default;
  virtual void post(std::function<void()> function) noexcept = 0;
  /// Returns a timer number, never 0.
  virtual std::uint64_t post_after(std::chrono::milliseconds delay,
                                   std::function<void()> function) noexcept = 0;
  /// Thread: control. True: the function will not run.
  virtual bool cancel(std::uint64_t timer) = 0;
};

/// Threads that may block. Threads: any.
struct BlockingPool {
  virtual ~BlockingPool() = default;
  /// False: there is no thread or no memory for it, and it will not run. Throws nothing.
  virtual bool post(std::function<void()> function) = 0;
};

/// Optional services. Threads: any. Throws nothing.
struct ServiceProvider {
  virtual ~ServiceProvider() = default;
  /// Looked up by name and revision; nullptr: unknown. The result is valid until the plugin is
  /// destroyed.
  virtual const void* find(const char* plugin_id, std::string_view name) noexcept = 0;
};

/// Receives lines unchanged from the plugin, and has to escape them. Threads: any. Throws nothing.
using LogSink =
    std::function<void(std::int32_t level, std::string_view plugin_id, std::string_view text)>;

struct Services {
  ControlExecutor& control;
  BlockingPool& blocking;
  Lookup env;  ///< the variables' values; asked in the constructor of PluginServices only
  LogSink log;
  std::vector<ServiceProvider*> optional{};  ///< asked in turn
  std::size_t blocking_quota = 32;  ///< functions in the pool for one plugin, waiting ones included
};

/// The services of one plugin. Lives until the plugin is destroyed; what it has posted may outlive
/// it and then does nothing.
class PluginServices {
 public:
  PluginServices(const crolang_plugin& plugin, const Services& services);
  PluginServices(const PluginServices&) = delete;
  PluginServices& operator=(const PluginServices&) = delete;
  ~PluginServices();

  const crolang_host* table() const noexcept;

  /// From now on the plugin sees `values` of its CROLANG_RELOADABLE variables. Values handed out
  /// before stay valid.
  void reload(const crolang_plugin& plugin, const Lookup& values);

  /// How many of the plugin's blocking functions have not returned.
  std::size_t blocking() const;

  /// Calls `idle` on the control thread once all blocking functions and all posted functions, but
  /// not timers, have returned.
  void when_idle(std::function<void()> idle);

  /// From now on no posted function and no timer of the plugin runs.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace crolang::plugin_host
