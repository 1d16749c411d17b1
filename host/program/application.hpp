#pragma once
/// The life of the process once its configuration is known to be good: open the ports, start the
/// log, create the plugins, serve, drain, stop. Threads: control. Errors: exit codes; the reason is
/// written to standard error and to the log.

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/admin_server.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"
#include "net/plugin_io.hpp"
#include "net/plugin_metrics.hpp"
#include "net/server.hpp"
#include "plugin_host/module_set.hpp"
#include "process/blocking_threads.hpp"
#include "process/control.hpp"
#include "process/file_limit.hpp"
#include "program/exit_code.hpp"
#include "program/running.hpp"
#include "reload/certificate_renewal.hpp"
#include "reload/certificates.hpp"
#include "reload/reloader.hpp"

namespace crolang::program {

class Application {
 public:
  /// The arguments must outlive it. All chosen plugins must be loaded, and `certificates` without
  /// faults; nullptr: no TLS.
  Application(const config::Loaded& loaded, plugin_host::ModuleSet& plugins,
              const config::Values& values, reload::Certificates* certificates);

  ExitCode run();

 private:
  /// nullopt: the reason has been printed.
  std::optional<net::Listeners> open_listeners() const;
  /// false: the reason has been printed.
  bool open_admin_listener();
  ExitCode check_file_limit(const process::FileLimit& limit) const;
  ExitCode create_plugins();
  ExitCode serve(const process::FileLimit& limit, net::Listeners listeners);
  static ExitCode report_no_workers(const std::exception& error);
  void log_start(const std::string& instance, const process::FileLimit& limit,
                 const net::ServerOptions& options, std::string_view admission_plugin) const;
  void start_admin(std::optional<admin::AdminServer>& admin, net::Server& server,
                   const net::ServerOptions& options, Running& running);
  enum class Stopped { all, not_all };
  /// Not all: a plugin did not stop in time.
  Stopped stop_plugins();

  const config::Settings& settings_;
  const std::vector<std::string>& warnings_;
  plugin_host::ModuleSet& plugins_;
  const config::Values& values_;
  reload::Certificates* const certificates_;
  reload::Reloader reloader_;
  process::Control control_;
  process::BlockingThreads blocking_;
  std::optional<net::PluginIo> plugin_io_;  // constructed before the plugins are created
  net::PluginMetrics plugin_metrics_;
  net::Descriptor admin_listener_;  // empty: there is none, or AdminServer has it
};

}  // namespace crolang::program
