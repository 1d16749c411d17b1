#include "program/application.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "broker/shared_state.hpp"
#include "config/version.hpp"
#include "modules/builtin/builtin.hpp"
#include "modules/module_table.hpp"
#include "program/configuration.hpp"
#include "program/console.hpp"
#include "program/server_options.hpp"
#include "telemetry/log.hpp"

namespace crolang::program {

namespace log = telemetry::log;

namespace {

// The broker does not start if the file limit leaves room for fewer connections than this.
constexpr std::uint64_t kFewestConnections = 16;
constexpr std::uint64_t kFewConnections = 1000;

/// What decides whether a node may connect, in a word for the log.
std::string_view admission_by(std::string_view plugin_id) {
  constexpr std::string_view kOurs = "io.crolang.";
  if (plugin_id.empty()) return "everybody";
  if (plugin_id.starts_with(kOurs)) plugin_id.remove_prefix(kOurs.size());
  return plugin_id == "webhook-auth" ? "webhook" : plugin_id;
}

/// The usual cause is the limit of processes or of files.
std::string cannot_start(const std::string& what, const std::exception& error) {
  std::string sentence = what + " cannot be started: " + error.what();
  const auto* const system = dynamic_cast<const std::system_error*>(&error);
  if (system != nullptr && system->code() == std::errc::resource_unavailable_try_again) {
    sentence +=
        ": raise the limit of processes (ulimit -u, TasksMax= in systemd, docker run --pids-limit)";
  }
  return sentence;
}

std::string make_instance_id() {
  std::array<unsigned char, 8> bytes{};
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  std::string id;
  for (const unsigned char byte : bytes) {
    constexpr std::string_view kHex = "0123456789abcdef";
    id += kHex[byte >> 4];
    id += kHex[byte & 15];
  }
  return id;
}

/// The built-ins serve the kinds that no plugin serves.
modules::ModuleTable make_module_table(const plugin_host::ModuleSet& plugins,
                                       modules::builtin::MemoryRegistry* memory) {
  modules::ModuleTable table = modules::builtin::built_ins(memory);
  for (const plugin_host::ModuleSet::Module& each : plugins.modules())
    table.serve(each.kind, each.table, each.self, each.plugin->id, std::string(each.variable));
  return table;
}

void log_plugin_line(std::int32_t level, std::string_view plugin, std::string_view text) {
  switch (level) {
    case CROLANG_LOG_DEBUG:
      log::debug(text, {{"plugin", plugin}});
      break;
    case CROLANG_LOG_INFO:
      log::info(text, {{"plugin", plugin}});
      break;
    case CROLANG_LOG_WARN:
      log::warning(text, {{"plugin", plugin}});
      break;
    default:  // no enum: the plugin API's numbers
      log::error(text, {{"plugin", plugin}});
  }
}

}  // namespace

Application::Application(const config::Loaded& loaded, plugin_host::ModuleSet& plugins,
                         const config::Values& values, reload::Certificates* certificates)
    : settings_(loaded.settings),
      warnings_(loaded.warnings),
      plugins_(plugins),
      values_(values),
      certificates_(certificates),
      reloader_(read_environment, values, plugins, all_bundled_variables(Chosen::loaded)) {}

ExitCode Application::run() {
  const process::FileLimit limit = process::raise_file_limit(settings_.workers);
  if (const ExitCode code = check_file_limit(limit); code != kFine) return code;
  // Before the port is open: once it is, a signal must end the broker properly.
  control_.catch_signals();
  auto listeners = open_listeners();
  if (!listeners) return kCannotRun;
  if (!open_admin_listener()) return kCannotRun;
  // Writing to a client that has gone returns an error instead of raising a signal.
  std::signal(SIGPIPE, SIG_IGN);
  log::Options logging;
  logging.level = static_cast<log::Level>(settings_.log_level);
  logging.format =
      settings_.log_format == config::LogFormat::json ? log::Format::json : log::Format::text;
  try {
    log::start(logging);
  } catch (const std::exception& error) {
    print_all({cannot_start("the log", error)});
    return kCannotRun;
  }
  // They were printed to standard error; repeat them in the log.
  for (const std::string& warning : warnings_) log::warning(warning);
  try {
    plugin_io_.emplace(static_cast<std::uint16_t>(settings_.workers));
  } catch (const std::exception& error) {
    print_all({cannot_start("the workers", error)});
    log::stop();
    return kCannotRun;
  }
  ExitCode code = create_plugins();
  if (code != kFine) {
    stop_plugins();
    log::stop();
    return code;
  }
  try {
    code = serve(limit, *std::move(listeners));
  } catch (const std::exception& error) {
    code = report_no_workers(error);
    stop_plugins();
  }
  log::stop();
  return code;
}

std::optional<net::Listeners> Application::open_listeners() const {
  net::Listeners listeners;
  const auto open = [this](net::Descriptor& into, std::uint16_t port, std::string_view variable) {
    auto opened = net::listen_on(settings_.bind_address, port, variable);
    if (const auto* fault = std::get_if<net::ListenFault>(&opened)) {
      print_all({fault->text});
      return false;
    }
    into = std::get<net::Descriptor>(std::move(opened));
    return true;
  };
  if (!open(listeners.nodes, settings_.port, "PORT")) return std::nullopt;
  if (settings_.plain_port != 0 && !open(listeners.plain, settings_.plain_port, "PLAIN_PORT"))
    return std::nullopt;
  return listeners;
}

bool Application::open_admin_listener() {
  const config::AdminSettings& admin = settings_.admin;
  if (admin.port == 0) return true;
  auto opened = net::listen_on(admin.bind_address, admin.port, "ADMIN_PORT", "ADMIN_BIND_ADDRESS");
  if (const auto* fault = std::get_if<net::ListenFault>(&opened)) {
    print_all({fault->text});
    return false;
  }
  admin_listener_ = std::get<net::Descriptor>(std::move(opened));
  return true;
}

ExitCode Application::check_file_limit(const process::FileLimit& limit) const {
  const std::uint64_t wanted = settings_.max_connections;
  if (limit.connections < kFewestConnections || limit.connections < wanted) {
    print_all(
        {"the limit of open files is " + std::to_string(limit.files) + ", which leaves room for " +
         std::to_string(limit.connections) + " connections" +
         (wanted == 0 ? std::string() : ", less than MAX_CONNECTIONS=" + std::to_string(wanted)) +
         ": raise it (ulimit -n, LimitNOFILE= in systemd, docker run --ulimit nofile=…)" +
         (wanted == 0 ? "" : " or lower MAX_CONNECTIONS")});
    return kCannotRun;
  }
  return kFine;
}

ExitCode Application::create_plugins() {
  const plugin_host::Services services{control_,
                                       blocking_,
                                       reload::lookup_in(values_),
                                       log_plugin_line,
                                       {&*plugin_io_, &plugin_metrics_}};
  const std::vector<std::string> refusals = plugins_.create(services);
  for (const std::string& refusal : refusals) log::error(refusal);
  print_all(refusals);
  return refusals.empty() ? kFine : kPluginRefused;
}

ExitCode Application::report_no_workers(const std::exception& error) {
  const std::string sentence = cannot_start("the workers", error);
  log::error(sentence);
  print_all({sentence});
  return kCannotRun;
}

ExitCode Application::serve(const process::FileLimit& limit, net::Listeners listeners) {
  struct Memory {
    modules::builtin::MemoryRegistry* registry = modules::builtin::make_memory_registry();
    ~Memory() { modules::builtin::destroy_memory_registry(registry); }
  } memory;
  const modules::ModuleTable table = make_module_table(plugins_, memory.registry);
  const std::string instance = make_instance_id();
  net::ServerOptions options = server_options(settings_, limit);
  if (certificates_ != nullptr) options.tls = &certificates_->current();
  options.plugin_metrics = &plugin_metrics_.store();
  net::Server server(options, instance, table, *plugin_io_, std::move(listeners));
  std::optional<reload::CertificateRenewal> renewal;
  if (certificates_ != nullptr) renewal.emplace(*certificates_, control_, server.shared().counters);
  const crolang_registry_events events = broker::registry_events(server.shared());
  char error[512] = "";
  const auto& registry = table.of<kinds::Kind::registry>();
  const crolang_status bound = registry.table->bind(
      registry.self, {instance.data(), instance.size()}, &events, error, sizeof error);
  ExitCode code = kFine;
  Running running(control_, server, reloader_, renewal ? &*renewal : nullptr,
                  settings_.drain_duration);
  std::optional<admin::AdminServer> admin;
  if (bound == CROLANG_OK) {
    try {
      server.start();
      server.watch_latencies(control_);
      log_start(instance, limit, options, table.of<kinds::Kind::authentication>().plugin_id);
      start_admin(admin, server, options, running);
      running.run();
    } catch (const std::exception& fault) {
      // Not left to the caller: the registry's plugin may call the server until it has stopped.
      code = report_no_workers(fault);
    }
    if (admin) admin->stop();
    server.stop();
  } else {
    log::error("the registry cannot be used", {{"plugin", registry.plugin_id}, {"why", error}});
    code = kPluginRefused;
  }
  const Stopped stopped = stop_plugins();
  log::info("stopped");
  if (stopped == Stopped::not_all) {
    // The plugin that hangs may still use objects that would be destroyed now.
    log::stop();
    ::_exit(kPluginHangs);
  }
  return code;
}

void Application::log_start(const std::string& instance, const process::FileLimit& limit,
                            const net::ServerOptions& options,
                            std::string_view admission_plugin) const {
  for (const crolang_plugin* plugin : plugins_.plugins()) {
    log::info("plugin loaded", {{"plugin", plugin->id}, {"version", plugin->version}});
  }
  if (limit.connections < kFewConnections) {
    log::warning(
        "the limit of open files is low: raise it with ulimit -n, LimitNOFILE or --ulimit nofile",
        {{"files", limit.files}});
  }
  if (certificates_ != nullptr) {
    log::info("certificates in use",
              {{"subjects", certificates_->subjects()},
               {"valid_until", tls::text_of(certificates_->end_of_validity())}});
  }
  log::info("listening", {{"port", settings_.port},
                          {"tls", certificates_ != nullptr ? "on" : "off"},
                          {"plain_port", settings_.plain_port},
                          {"version", config::version()},
                          {"workers", settings_.workers},
                          {"admission", admission_by(admission_plugin)},
                          {"max_connections", options.max_connections},
                          {"instance", instance},
                          {"dotenv", dotenv_location()}});
}

void Application::start_admin(std::optional<admin::AdminServer>& admin, net::Server& server,
                              const net::ServerOptions& options, Running& running) {
  if (admin_listener_.get() < 0) return;
  admin.emplace(std::move(admin_listener_),
                admin_options(settings_, options, values_.find("ADMIN_TOKEN").value_or("")), server,
                control_, running);
  running.set_admin(&*admin);
  admin->start();
  log::info("admin interface",
            {{"address", settings_.admin.bind_address}, {"port", settings_.admin.port}});
}

Application::Stopped Application::stop_plugins() {
  std::vector<plugin_host::ModuleSet::Straggler> stragglers;
  plugins_.stop([&](std::vector<plugin_host::ModuleSet::Straggler> late) {
    stragglers = std::move(late);
    control_.stop();
  });
  control_.run();
  for (const auto& straggler : stragglers) {
    log::error("a plugin did not stop within 5 s",
               {{"plugin", straggler.id}, {"blocking_functions", straggler.blocking}});
  }
  if (!stragglers.empty()) return Stopped::not_all;
  plugins_.destroy();
  return Stopped::all;
}

}  // namespace crolang::program
