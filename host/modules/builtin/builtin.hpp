#pragma once
/// The modules that serve when nothing else is asked for. They answer through the plugins' tables,
/// so that nothing in the host knows the difference and the contract suites cover them too.
/// Threads: as the tables say.

#include "crolang/plugin.h"

namespace crolang::modules::builtin {

/// registry/1 for one instance: a map in memory. One object serves one broker.
class MemoryRegistry;
MemoryRegistry* make_memory_registry();
void destroy_memory_registry(MemoryRegistry* registry);
const crolang_registry* memory_registry_table() noexcept;

/// rtc-config/1: Google's public STUN servers. `self` is not used.
const crolang_rtc_config* google_stun_table() noexcept;
/// authentication/1: every node. `self` is not used.
const crolang_authentication* everybody_table() noexcept;
/// authorization/1: every pair. `self` is not used.
const crolang_authorization* every_pair_table() noexcept;
/// validity/1: all are valid. `self` is not used.
const crolang_validity* all_valid_table() noexcept;

}  // namespace crolang::modules::builtin
