#pragma once
/// A snapshot of the values of all variables. Start, checks and later comparisons use it instead of
/// reading files again, which may have changed meanwhile. Threads: any; plain values. Errors: none;
/// what could not be read counts as not set, see load.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/environment.hpp"

namespace crolang::config {

class Values {
 public:
  Values(const Environment& environment, std::span<const Variable> variables);

  /// The value or the default; nullopt: there is neither.
  std::optional<std::string> find(std::string_view name) const;

  bool is_same(std::string_view name, const Values& other) const {
    return find(name) == other.find(name);
  }
  /// Sets the variable to its value in `other`.
  void take(std::string_view name, const Values& other);

 private:
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace crolang::config
