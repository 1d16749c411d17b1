#pragma once
/// Owns the plugins that the environment asks for, from opening their files to destroying them.
///
/// Construct → check → create → (the broker runs, perhaps check and reload) → stop → destroy. The
/// constructor may run before there are threads; everything else runs on the control thread.
/// Errors: sentences; a broker that was asked for a plugin must not run without it.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/plugin.h"
#include "kinds/kinds.hpp"
#include "plugin_host/choices.hpp"
#include "plugin_host/host_services.hpp"
#include "plugin_host/loader.hpp"
#include "plugin_host/lookup.hpp"
#include "plugin_host/variable_check.hpp"

namespace crolang::plugin_host {

class ModuleSet {
 public:
  using Open = std::function<Opened(const std::filesystem::path&)>;

  /// Opens each file once and checks all of them.
  explicit ModuleSet(const std::vector<Choice>& choices, const Open& open = open_plugin);
  ModuleSet(const ModuleSet&) = delete;
  ModuleSet& operator=(const ModuleSet&) = delete;
  ~ModuleSet();

  /// Not empty: do not create.
  const std::vector<std::string>& refusals() const noexcept { return refusals_; }

  /// In the order of their file names.
  std::vector<const crolang_plugin*> plugins() const;

  /// The results of all plugins' checks of their variables, each sentence once; see
  /// check_variables.
  CheckResult check(const Lookup& values, std::span<const std::string> refused) const;

  /// Creates all plugins in the order of their file names and returns the refusals. If there are
  /// any, stop and destroy what was created.
  std::vector<std::string> create(const Services& services);

  /// What serves a kind, once created.
  struct Module {
    kinds::Kind kind;
    const void* table;
    void* self;
    const crolang_plugin* plugin;
    std::string_view variable;  ///< the variable that asks for it
  };
  std::vector<Module> modules() const;

  /// Passes the values to the plugins that can apply them while running; see takes_over.
  void reload(const Lookup& values);

  struct Straggler {
    std::string id;
    std::size_t blocking;  ///< functions that have not returned
  };
  /// Stops all plugins at once and waits until they have stopped and none of their posted and
  /// blocking functions is left. `finished` is called once, with those that needed longer than
  /// `limit`: the process must then end without destroy.
  void stop(std::function<void(std::vector<Straggler>)> finished,
            std::chrono::milliseconds limit = std::chrono::seconds(5));

  /// After stop, once every question is answered.
  void destroy();

 private:
  struct Loaded;

  void on_stopped(Loaded& loaded);
  void finish_if_stopped();

  std::vector<std::string> refusals_;
  std::vector<std::unique_ptr<Loaded>> loaded_;  // by file name
  ControlExecutor* control_ = nullptr;           // set by create
  std::function<void(std::vector<Straggler>)> finished_;
  std::uint64_t limit_timer_ = 0;
};

/// Whether the plugin applies a changed value of this variable of its own without a restart.
bool takes_over(const crolang_plugin& plugin, const crolang_env& variable);

}  // namespace crolang::plugin_host
