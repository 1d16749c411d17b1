#pragma once
/// Handles SIGHUP: reads environment files, secrets, keys and certificates again, validates them as
/// at the start, and applies what can change while the broker runs. If anything is invalid, nothing
/// changes.
/// Threads: control. Errors: sentences in the outcome; std::bad_alloc, with nothing changed.

#include <functional>
#include <string>
#include <vector>

#include "config/environment.hpp"
#include "config/unread.hpp"
#include "config/values.hpp"
#include "plugin_host/module_set.hpp"
#include "reload/certificate_renewal.hpp"

namespace crolang::reload {

/// Names of variables, and sentences that show no secret.
struct Outcome {
  std::vector<std::string> faults;  ///< not empty: nothing was changed
  std::vector<std::string> warnings;
  std::vector<std::string> taken_over;
  std::vector<std::string> need_restart;  ///< differ from the values in use
};

/// Writes it to the log.
void log(const Outcome& outcome);

class Reloader {
 public:
  using Read = std::function<config::Environment()>;

  /// `in_use`: the values that the broker and the plugins, which must have been created, were
  /// given; `bundled`: as at the start, so that its variables are not reported as misspelt.
  Reloader(Read read, config::Values in_use, plugin_host::ModuleSet& plugins,
           std::vector<config::BundledVariable> bundled);

  /// `certificates`: nullptr without TLS.
  Outcome reload(CertificateRenewal* certificates = nullptr);
  const config::Values& in_use() const noexcept { return in_use_; }

 private:
  const Read read_;
  config::Values in_use_;
  plugin_host::ModuleSet& plugins_;
  const std::vector<config::BundledVariable> bundled_;
};

/// The variables that the plugins declare.
std::vector<config::Variable> variables_of(const plugin_host::ModuleSet& plugins);

/// For plugin_host, which does not depend on config. `values` must outlive the result.
plugin_host::Lookup lookup_in(const config::Values& values);

}  // namespace crolang::reload
