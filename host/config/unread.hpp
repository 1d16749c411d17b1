/// What is set and has no effect, although whoever set it may rely on it. Threads: any. Errors:
/// none.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/environment.hpp"

namespace crolang::config {

/// A kind of module, and the two variables of which one chooses who serves it.
struct ModuleVariables {
  std::string plugin;    ///< NODES_AUTHENTICATION_PLUGIN; it has the last word
  std::string setting;   ///< NODES_AUTHENTICATION_WEBHOOK_URL
  std::string built_in;  ///< who serves without either, in words
  std::string detail{};  ///< of the host's, says how the module is asked; empty: there is none
};

/// A variable of a plugin that comes with the broker.
struct BundledVariable {
  std::string name;
  Secrecy secrecy = Secrecy::shown;
  std::vector<std::string>
      loaded_by{};  ///< what to set so that somebody reads it; none: no warning
};

/// What the environment may hold besides the variables that are read.
struct Neighbours {
  std::vector<ModuleVariables> modules{};
  std::vector<BundledVariable> bundled{};
};

/// A warning for each variable that is set
///   - and that only plugins read which are not loaded;
///   - to choose a module, or as a secret, but is empty;
///   - to choose a module that another variable has chosen already;
///   - to say how a module is asked that nobody serves.
/// `read` are all variables of the host and of the plugins that are loaded, `of_plugins` only the
/// latter.
std::vector<std::string> unread(const Environment& environment, std::span<const Variable> read,
                                std::span<const Variable> of_plugins, const Neighbours& neighbours);

/// The variables of bundled plugins that are not among `read`: no slip is made of them.
std::vector<Variable> known_besides(std::span<const Variable> read, const Neighbours& neighbours);

}  // namespace crolang::config
