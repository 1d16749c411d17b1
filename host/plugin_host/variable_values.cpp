#include "plugin_host/variable_values.hpp"

#include <utility>

namespace crolang::plugin_host {
namespace {

std::optional<std::string> value_of(const crolang_env& variable, const Lookup& lookup) {
  if (auto value = lookup(variable.name)) return value;
  if (variable.default_value != nullptr) return variable.default_value;
  return std::nullopt;
}

}  // namespace

VariableValues::VariableValues(const crolang_plugin& plugin, const Lookup& lookup) {
  for (std::size_t i = 0; i < plugin.env_count; ++i) {
    values_.emplace(plugin.env[i].name, value_of(plugin.env[i], lookup));
  }
}

VariableValues::Found VariableValues::find(std::string_view name,
                                           crolang_str& value) const noexcept {
  const auto found = values_.find(name);
  if (found == values_.end()) return Found::undeclared;
  if (!found->second) return Found::no_value;
  value = {found->second->data(), found->second->size()};
  return Found::value;
}

std::optional<VariableValues> VariableValues::reloaded(const crolang_plugin& plugin,
                                                       const Lookup& lookup) const {
  VariableValues next = *this;
  for (std::size_t i = 0; i < plugin.env_count; ++i) {
    const crolang_env& variable = plugin.env[i];
    if ((variable.flags & CROLANG_RELOADABLE) == 0) continue;
    next.values_.find(std::string_view(variable.name))->second = value_of(variable, lookup);
  }
  if (next.values_ == values_) return std::nullopt;
  return next;
}

}  // namespace crolang::plugin_host
