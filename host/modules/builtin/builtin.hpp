#pragma once
/// The modules used where no plugin is configured. They are called through the same tables as
/// plugins, so that the host needs no distinction and the contract suites cover them too.
/// Threads: as the tables say.

#include "crolang/plugin.h"
#include "modules/module_table.hpp"

namespace crolang::modules::builtin {

/// registry/1 for one instance: a map in memory. One object serves one broker.
class MemoryRegistry;
MemoryRegistry* make_memory_registry();
void destroy_memory_registry(MemoryRegistry* registry);
const crolang_registry* memory_registry_table() noexcept;

/// The built-in module for each kind. Only the registry has state, `memory`; the others have a null
/// `self`.
ModuleTable built_ins(MemoryRegistry* memory);

}  // namespace crolang::modules::builtin
