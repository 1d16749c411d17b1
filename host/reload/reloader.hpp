#pragma once
/// What SIGHUP does: reads environment files, secrets and keys again, has all of it judged as at
/// the start, and takes over what can change while the broker runs. With a fault in it, all stays
/// as it was. Threads: control. Errors: sentences in the outcome; std::bad_alloc, with nothing
/// changed.

#include <functional>
#include <string>
#include <vector>

#include "config/environment.hpp"
#include "config/unread.hpp"
#include "config/values.hpp"
#include "plugin_host/module_set.hpp"

namespace crolang::reload {

/// Names of variables, and sentences that show no secret.
struct Outcome {
  std::vector<std::string> faults;  ///< not empty: nothing was taken over
  std::vector<std::string> warnings;
  std::vector<std::string> taken_over;
  std::vector<std::string> need_restart;  ///< differ from what is in use
};

/// Writes it to the log.
void log(const Outcome& outcome);

class Reloader {
 public:
  using Read = std::function<config::Environment()>;

  /// `in_use` is what the broker and the plugins, which were created, have been given; `neighbours`
  /// as at the start, so that nothing of it is taken for a slip.
  Reloader(Read read, config::Values in_use, plugin_host::ModuleSet& plugins,
           config::Neighbours neighbours);

  Outcome read_again();

 private:
  const Read read_;
  config::Values in_use_;
  plugin_host::ModuleSet& plugins_;
  const config::Neighbours neighbours_;
};

/// The variables that the plugins declare.
std::vector<config::Variable> variables_of(const plugin_host::ModuleSet& plugins);

/// For plugin_host, which knows no configuration; `values` must stay.
plugin_host::Lookup lookup_in(const config::Values& values);

}  // namespace crolang::reload
