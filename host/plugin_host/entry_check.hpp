#pragma once
/// Decides whether a plugin's entry is compatible with this broker, before any function of the
/// plugin runs. Pure. Threads: any. Errors: the first refusal in the order of the checks, as a
/// sentence.

#include <cstdint>
#include <optional>
#include <string>

#include "crolang/plugin.h"

namespace crolang::plugin_host {

struct AbiVersion {
  std::uint32_t major;
  std::uint32_t minor;
};

inline constexpr AbiVersion kBrokerAbi{CROLANG_ABI_MAJOR, CROLANG_ABI_MINOR};

/// nullopt: it is compatible. Reads only the parts of the entry whose presence has been checked.
std::optional<std::string> entry_refusal(const crolang_plugin* entry,
                                         AbiVersion broker = kBrokerAbi);

}  // namespace crolang::plugin_host
