#pragma once
/// What all variables were when they were read: who starts with them, judges them or compares them
/// later does not read files again, which may have changed. Threads: any; plain values. Errors:
/// none; what could not be read counts as not set, see load.

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
  /// The variable is from now on what it is there.
  void take(std::string_view name, const Values& other);

 private:
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace crolang::config
