#pragma once
/// Which table serves each kind: a plugin's or a built-in's. Filled at start, read by every worker.

#include <string>
#include <vector>

#include "crolang/plugin.h"

namespace crolang::modules {

template <class Table>
struct Module {
  const Table* table = nullptr;
  void* self = nullptr;
  std::string plugin_id;   ///< empty: built in
  std::string variable{};  ///< that asks for the plugin, for the log
};

struct ModuleTable {
  Module<crolang_registry> registry;
  Module<crolang_rtc_config> rtc_config;
  Module<crolang_authentication> authentication;
  Module<crolang_authorization> authorization;
  Module<crolang_validity> validity;
  std::vector<Module<crolang_observer>> observers;
};

}  // namespace crolang::modules
