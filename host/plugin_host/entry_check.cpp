#include "plugin_host/entry_check.hpp"

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "plugin_host/kinds.hpp"

namespace crolang::plugin_host {
namespace {

using Refusal = std::optional<std::string>;

// The entry may grow, so its least size is the end of the last function of its first release.
constexpr std::size_t kEntrySize = offsetof(crolang_plugin, destroy) + sizeof(void (*)(void*));

std::string text(std::size_t number) {
  return std::to_string(number);
}
std::string text(AbiVersion abi) {
  return text(abi.major) + "." + text(abi.minor);
}

bool is_empty(const char* text) {
  return text == nullptr || *text == '\0';
}

Refusal null_refusal(const crolang_plugin& entry) {
  const auto is_null = [](std::string_view name) { return "'" + std::string(name) + "' is null"; };
  if (entry.create == nullptr) return is_null("create");
  if (entry.stop == nullptr) return is_null("stop");
  if (entry.destroy == nullptr) return is_null("destroy");
  if (entry.version == nullptr) return is_null("version");
  if (entry.description == nullptr) return is_null("description");
  if (entry.env == nullptr && entry.env_count > 0) return is_null("env");
  if (entry.modules == nullptr && entry.module_count > 0) return is_null("modules");
  return std::nullopt;
}

Refusal env_refusal(const crolang_plugin& entry) {
  for (std::size_t i = 0; i < entry.env_count; ++i) {
    const crolang_env& variable = entry.env[i];
    if (is_empty(variable.name)) return "variable " + text(i + 1) + " has no name";
    if (variable.help == nullptr) return "variable " + std::string(variable.name) + " has no help";
    if (variable.type > CROLANG_BOOL) {
      return "variable " + std::string(variable.name) + " is of the unknown type " +
             text(variable.type);
    }
  }
  return std::nullopt;
}

Refusal table_refusal(const Kind& kind, const void* table) {
  const std::string name(kind.name);
  if (table == nullptr) return name + ": table is null";
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  if (size < kind.size) {
    return name + ": table is " + text(size) + " bytes, needs " + text(kind.size);
  }
  for (const TableFunction& function : kind.functions) {
    if (function.may_be_null) continue;
    void* address = nullptr;
    std::memcpy(&address, static_cast<const char*>(table) + function.offset, sizeof address);
    if (address == nullptr) return name + ": '" + std::string(function.name) + "' is null";
  }
  return std::nullopt;
}

Refusal modules_refusal(std::span<const crolang_module> modules) {
  if (modules.empty()) return "provides nothing";
  for (const crolang_module& module : modules) {
    const std::string_view name = module.kind == nullptr ? "" : module.kind;
    if (find_kind(name) == nullptr) {
      return "provides '" + std::string(name) + "'; this broker knows " + kind_names();
    }
  }
  for (std::size_t i = 0; i < modules.size(); ++i) {
    if (auto refusal = table_refusal(*find_kind(modules[i].kind), modules[i].table)) return refusal;
    for (const crolang_module& earlier : modules.first(i)) {
      if (std::string_view(earlier.kind) == modules[i].kind) {
        return "provides " + std::string(earlier.kind) + " twice";
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Refusal entry_refusal(const crolang_plugin* entry, AbiVersion broker) {
  if (entry->magic != CROLANG_MAGIC) {
    return "'crolang_plugin_entry' is not a broker plugin entry";
  }
  const AbiVersion plugin{entry->abi_major, entry->abi_minor};
  if (plugin.major != broker.major) {
    return "built for plugin ABI " + text(plugin) + ", this broker speaks " + text(broker.major) +
           ".x: rebuild it against plugin-api " + text(broker.major);
  }
  if (plugin.minor > broker.minor) {
    return "needs plugin ABI " + text(plugin) + ", this broker offers " + text(broker) +
           ": update the broker";
  }
  if (entry->size < kEntrySize) {
    return "entry is " + text(entry->size) + " bytes, ABI " + text(plugin) + " needs " +
           text(kEntrySize);
  }
  if (auto refusal = null_refusal(*entry)) return refusal;
  if (is_empty(entry->id)) return "the plugin's id is empty";
  if (auto refusal = env_refusal(*entry)) return refusal;
  return modules_refusal({entry->modules, entry->module_count});
}

}  // namespace crolang::plugin_host
