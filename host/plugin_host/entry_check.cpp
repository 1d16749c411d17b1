#include "plugin_host/entry_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "config/variable.hpp"
#include "kinds/kinds.hpp"

namespace crolang::plugin_host {
namespace {

using Refusal = std::optional<std::string>;

// The entry may grow, so its least size is the end of the last function of its first release.
constexpr std::size_t kEntrySize = offsetof(crolang_plugin, destroy) + sizeof(void (*)(void*));

// Its major was 1, too, but its functions took other arguments.
constexpr std::uint64_t kMagicBefore10 = 0x31504b4f52424b42;

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

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Whether a shell can set a variable of this name.
bool is_variable_name(std::string_view name) {
  return is_capital(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_capital(c) || is_digit(c) || c == '_'; });
}

bool is_plugin_id(std::string_view id) {
  return std::ranges::all_of(id, [](char c) {
    return is_capital(c) || (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '_' ||
           c == '-';
  });
}

/// A line break would break the listings that contain the text.
bool is_one_line(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

Refusal variable_refusal(const crolang_env& variable) {
  const std::string name = "variable " + std::string(variable.name);
  if (!is_variable_name(variable.name)) {
    return name + " is not named in capitals, digits and underscores";
  }
  if (variable.help == nullptr) return name + " has no help";
  if (!is_one_line(variable.help)) return name + ": its help is not one line of text";
  if (variable.type > CROLANG_BOOL) return name + " has the unknown type " + text(variable.type);
  if (variable.default_value == nullptr) return std::nullopt;
  if ((variable.flags & CROLANG_REQUIRED) != 0) return name + " is required and has a default";
  if (!config::accepts(config::from_plugin(variable, {}), variable.default_value)) {
    return name + ": its default '" + variable.default_value + "' is not of its type";
  }
  return std::nullopt;
}

Refusal env_refusal(std::span<const crolang_env> variables) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (is_empty(variables[i].name)) return "variable " + text(i + 1) + " has no name";
    if (auto refusal = variable_refusal(variables[i])) return refusal;
    for (const crolang_env& earlier : variables.first(i)) {
      if (std::string_view(earlier.name) == variables[i].name) {
        return "variable " + std::string(earlier.name) + " is declared twice";
      }
    }
  }
  return std::nullopt;
}

Refusal table_refusal(const kinds::Description& kind, const void* table) {
  const std::string name(kind.name);
  if (table == nullptr) return name + ": table is null";
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  if (size < kind.table_size()) {
    return name + ": table is " + text(size) + " bytes, needs " + text(kind.table_size());
  }
  for (const kinds::Function& function : kind.functions) {
    if (function.presence == kinds::Function::Presence::may_be_null) continue;
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
    if (kinds::find(name) == nullptr) {
      return "provides '" + std::string(name) + "'; this broker knows " + kinds::names();
    }
  }
  for (std::size_t i = 0; i < modules.size(); ++i) {
    if (auto refusal = table_refusal(*kinds::find(modules[i].kind), modules[i].table))
      return refusal;
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
  if (entry->magic == kMagicBefore10) {
    return "built for a plugin ABI before 1.0, which this broker does not support: rebuild it "
           "against plugin-api " +
           text(broker.major);
  }
  if (entry->magic != CROLANG_MAGIC) {
    return "'crolang_plugin_entry' is not a broker plugin entry";
  }
  const AbiVersion plugin{entry->abi_major, entry->abi_minor};
  if (plugin.major != broker.major) {
    return "built for plugin ABI " + text(plugin) + ", this broker supports " + text(broker.major) +
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
  if (!is_plugin_id(entry->id)) {
    return "the plugin's id has other characters than letters, digits, '.', '_' and '-'";
  }
  if (!is_one_line(entry->version)) return "'version' is not one line of text";
  if (!is_one_line(entry->description)) return "'description' is not one line of text";
  if (auto refusal = env_refusal({entry->env, entry->env_count})) return refusal;
  return modules_refusal({entry->modules, entry->module_count});
}

}  // namespace crolang::plugin_host
