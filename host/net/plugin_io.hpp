#pragma once
/// io/1: the loops of all workers as plugins see them. It is constructed before the plugins, which
/// may look it up in create, and destroyed after them.
/// Threads: any. Errors: the constructor throws std::system_error; nothing else throws.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crolang/io.h"
#include "net/plugin_loop.hpp"
#include "plugin_host/host_services.hpp"

namespace crolang::net {

class PluginIo final : public plugin_host::ServiceProvider {
 public:
  explicit PluginIo(std::uint16_t workers);
  ~PluginIo() override;

  PluginLoop& loop(std::uint16_t worker) { return *loops_[worker]; }

  /// A table of the plugin's own, so that the log can name it. `plugin_id` lives for the process.
  const void* find(const char* plugin_id, std::string_view name) noexcept override;

 private:
  struct Table;

  /// nullptr: there is no such worker.
  PluginLoop* find_loop(std::uint32_t worker) const noexcept;

  std::vector<std::unique_ptr<PluginLoop>> loops_;
  std::mutex mutex_;                                                   // guards tables_
  std::map<std::string, std::unique_ptr<Table>, std::less<>> tables_;  // by plugin
};

}  // namespace crolang::net
