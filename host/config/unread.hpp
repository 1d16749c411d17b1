/// Warns about variables that are set but have no effect, since the operator may rely on them.
/// Threads: any. Errors: none.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/environment.hpp"

namespace crolang::config {

/// A variable of a plugin that comes with the broker.
struct BundledVariable {
  std::string name;
  Secrecy secrecy = Secrecy::shown;
  std::vector<std::string> loaded_by{};  ///< what to set so that it is read; empty: no warning
};

/// A warning for each variable that is set
///   - and read only by plugins that are not loaded;
///   - to choose a module, or as a secret, but is empty;
///   - to choose a module that another variable has chosen already;
///   - to configure calls of a module for which no plugin is loaded.
/// `read` are all variables of the host and of the plugins that are loaded, `of_plugins` only the
/// latter; `bundled` are those of all plugins that come with the broker.
std::vector<std::string> unread(const Environment& environment, std::span<const Variable> read,
                                std::span<const Variable> of_plugins,
                                std::span<const BundledVariable> bundled);

/// The variables of bundled plugins that are not among `read`: they are not reported as misspelt.
std::vector<Variable> known_besides(std::span<const Variable> read,
                                    std::span<const BundledVariable> bundled);

}  // namespace crolang::config
