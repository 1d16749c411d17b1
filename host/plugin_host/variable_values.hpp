#pragma once
/// The values of the variables that a plugin declares, as it sees them: what is set, else its
/// default. Threads: any; they never change. Errors: std::bad_alloc in the constructor and
/// reloaded.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "crolang/plugin.h"
#include "plugin_host/lookup.hpp"

namespace crolang::plugin_host {

class VariableValues {
 public:
  VariableValues(const crolang_plugin& plugin, const Lookup& lookup);

  enum class Found { value, no_value, undeclared };
  /// The value lives as long as this does.
  Found find(std::string_view name, crolang_str& value) const noexcept;

  /// A copy, in which CROLANG_RELOADABLE variables have the values that `lookup` has now. nullopt:
  /// none of them has changed.
  std::optional<VariableValues> reloaded(const crolang_plugin& plugin, const Lookup& lookup) const;

 private:
  std::map<std::string, std::optional<std::string>, std::less<>> values_;
};

}  // namespace crolang::plugin_host
