/// crolang-broker: settings → plugins → run → drain. The only place that turns errors into exit
/// codes.

#include <malloc.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "broker/grid.hpp"
#include "config/command_line.hpp"
#include "config/environment.hpp"
#include "config/print.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"
#include "config/version.hpp"
#include "modules/builtin/builtin.hpp"
#include "modules/module_table.hpp"
#include "net/control.hpp"
#include "net/healthcheck.hpp"
#include "net/listener.hpp"
#include "net/memory_budget.hpp"
#include "net/memory_reserve.hpp"
#include "net/server.hpp"
#include "plugin_host/bundled.hpp"
#include "plugin_host/describe.hpp"
#include "plugin_host/kinds.hpp"
#include "plugin_host/loader.hpp"
#include "plugin_host/module_set.hpp"
#include "reload/reloader.hpp"
#include "telemetry/log.hpp"

extern char** environ;

namespace {

using namespace crolang;
namespace fs = std::filesystem;
namespace log = telemetry::log;

enum ExitCode : int {
  kFine = 0,
  kCannotRun = 1,
  kBadConfiguration = 2,
  kPluginRefused = 3,
  kPluginHangs = 4,
};

// The host's listening, worker and plugin needs come first; fewer files than this serve nobody.
constexpr std::uint64_t kFewestConnections = 16;
constexpr std::uint64_t kFewConnections = 1000;
// Less than what a HEALTHCHECK has.
constexpr std::chrono::seconds kHealthPatience{3};

/// Beside the binary in a build tree, or where `cmake --install` puts them.
fs::path default_plugins_dir() {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = binary.parent_path() / "plugins";
  if (fs::is_directory(beside, error)) return beside;
  const fs::path installed = binary.parent_path().parent_path() / "lib/crolang-broker/plugins";
  return fs::is_directory(installed, error) ? installed : beside;
}

/// The variables of the plugins that come with the broker, as far as they are there.
std::vector<config::Variable> bundled_variables(const fs::path& plugins_dir) {
  std::vector<config::Variable> variables;
  for (const plugin_host::Bundled& plugin : plugin_host::bundled_plugins()) {
    const fs::path file = plugins_dir / (std::string(plugin.name) + ".so");
    std::error_code error;
    if (!fs::is_regular_file(file, error)) continue;
    const auto opened = plugin_host::open_plugin(file);
    if (!opened) continue;
    for (std::size_t i = 0; i < opened->entry->env_count; ++i)
      variables.push_back(config::from_plugin(opened->entry->env[i], opened->entry->id));
  }
  return variables;
}

constexpr const char* kDotEnv = ".env";

config::Environment read_environment() {
  return config::read_environment(environ, kDotEnv);
}

/// Somebody may have started the broker in another folder than that of the file.
std::string where_dotenv_is() {
  std::error_code error;
  const fs::path file = fs::absolute(kDotEnv, error);
  return fs::exists(file, error) ? file.string() : "none in " + file.parent_path().string();
}

/// Whether all plugins that were chosen are there. If not, nobody knows what they would read.
enum class Chosen { loaded, refused };

/// What somebody may have set and rely on, though nothing reads it.
config::Neighbours neighbours(Chosen chosen) {
  config::Neighbours all;
  for (const plugin_host::Kind& kind : plugin_host::kinds()) {
    const bool authorizes = kind.name == CROLANG_AUTHORIZATION;
    all.modules.push_back({std::string(kind.plugin_variable), std::string(kind.setting),
                           std::string(kind.built_in),
                           authorizes ? "AUTHORIZE_NODES_COMMUNICATION_SCOPE" : ""});
  }
  for (const plugin_host::Bundled& plugin : plugin_host::bundled_plugins()) {
    for (const plugin_host::BundledRead& read : plugin.reads) {
      auto known = std::find_if(all.bundled.begin(), all.bundled.end(),
                                [&](const auto& each) { return each.name == read.variable; });
      if (known == all.bundled.end()) {
        const bool is_secret = read.secrecy == plugin_host::BundledRead::Secrecy::secret;
        known = all.bundled.insert(
            known, {.name = std::string(read.variable),
                    .secrecy = is_secret ? config::Secrecy::secret : config::Secrecy::shown});
      }
      if (chosen == Chosen::loaded) known->loaded_by.push_back(plugin_host::loaded_by(plugin));
    }
  }
  return all;
}

/// Who says whether a node may connect, in a word for the start line.
std::string_view admission_by(std::string_view plugin_id) {
  constexpr std::string_view kOurs = "io.crolang.";
  if (plugin_id.empty()) return "everybody";
  if (plugin_id.starts_with(kOurs)) plugin_id.remove_prefix(kOurs.size());
  return plugin_id == "webhook-auth" ? "webhook" : plugin_id;
}

void print_warnings(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) {
    std::cerr << "crolang-broker: warning: " << sentence << '\n';
  }
}

void print_all(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) {
    std::cerr << "crolang-broker: " << sentence << '\n';
  }
}

/// Most of it is a lack of threads or files.
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

net::ServerOptions server_options(const config::Settings& settings, std::uint64_t max_connections) {
  net::ServerOptions options;
  options.workers = static_cast<std::uint16_t>(settings.workers);
  options.max_connections = max_connections;
  options.limits.timing = {settings.ping_interval, settings.ping_timeout};
  options.limits.max_payload_bytes = settings.max_payload_bytes;
  options.limits.max_outbox_bytes = settings.max_outbox_bytes;
  options.limits.handshake_timeout = settings.handshake_timeout;
  options.policy.p2p_enabled = settings.p2p_connection == config::Switch::on;
  options.policy.relay_enabled = settings.websocket_relay == config::Switch::on;
  options.policy.authorization_scope =
      settings.authorization_scope == config::AuthorizationScope::initiation
          ? broker::Policy::Scope::initiation
          : broker::Policy::Scope::every_message;
  options.policy.probe_timeout = settings.duplicate_id_probe_timeout;
  options.policy.max_presence_ids = settings.max_presence_ids;
  options.policy.max_presence_ids_per_second = settings.max_presence_ids_per_second;
  options.policy.max_validity_ids = settings.max_validity_ids;
  options.policy.max_node_id_bytes = settings.max_node_id_bytes;
  options.policy.max_outbox_bytes = settings.max_outbox_bytes;
  options.plugin_timeout = settings.plugin_timeout;
  options.sweep_interval = settings.nodes_status_check_interval;
  options.version = config::version();
  options.metrics = settings.metrics == config::Switch::on;
  return options;
}

template <class Table>
void serve(modules::Module<Table>& module, const plugin_host::ModuleSet::Module& plugin) {
  module = {static_cast<const Table*>(plugin.table), plugin.self, plugin.plugin->id,
            std::string(plugin.variable)};
}

/// What the plugins do not serve, the built-ins do.
modules::ModuleTable make_module_table(const plugin_host::ModuleSet& plugins,
                                       modules::builtin::MemoryRegistry* memory) {
  modules::ModuleTable table;
  table.registry = {modules::builtin::memory_registry_table(), memory, {}};
  table.rtc_config = {modules::builtin::google_stun_table(), nullptr, {}};
  table.authentication = {modules::builtin::everybody_table(), nullptr, {}};
  table.authorization = {modules::builtin::every_pair_table(), nullptr, {}};
  table.validity = {modules::builtin::all_valid_table(), nullptr, {}};
  for (const plugin_host::ModuleSet::Module& plugin : plugins.modules()) {
    const std::string_view kind = plugin.kind->name;
    if (kind == CROLANG_REGISTRY) {
      serve(table.registry, plugin);
    } else if (kind == CROLANG_RTC_CONFIG) {
      serve(table.rtc_config, plugin);
    } else if (kind == CROLANG_AUTHENTICATION) {
      serve(table.authentication, plugin);
    } else if (kind == CROLANG_AUTHORIZATION) {
      serve(table.authorization, plugin);
    } else if (kind == CROLANG_VALIDITY) {
      serve(table.validity, plugin);
    } else if (kind == CROLANG_OBSERVER) {
      serve(table.observers.emplace_back(), plugin);
    }
  }
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
    default:
      log::fault(text, {{"plugin", plugin}});
  }
}

/// The broker once its configuration is known to be good.
class Application {
 public:
  Application(const config::Loaded& loaded, plugin_host::ModuleSet& plugins,
              const config::Values& values)
      : settings_(loaded.settings),
        warnings_(loaded.warnings),
        plugins_(plugins),
        values_(values),
        reloader_(read_environment, values, plugins, neighbours(Chosen::loaded)) {}

  int run() {
    const net::FileLimit limit = net::raise_file_limit(settings_.workers);
    if (const int code = check_file_limit(limit); code != kFine) return code;
    // Before the port is open: who sees it open may end the broker in an orderly way.
    control_.catch_signals();
    auto listening = net::listen_on(settings_.bind_address, settings_.port);
    if (const auto* fault = std::get_if<net::ListenFault>(&listening)) {
      print_all({fault->text});
      return kCannotRun;
    }
    // A client that has gone is an error of one write, never a signal.
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
    // Once more for those who read the log only.
    for (const std::string& warning : warnings_) log::warning(warning);
    int code = create_plugins();
    if (code != kFine) {
      stop_plugins();
      log::stop();
      return code;
    }
    try {
      code = serve(limit, std::get<net::Descriptor>(std::move(listening)));
    } catch (const std::exception& error) {
      const std::string sentence = cannot_start("the workers", error);
      log::fault(sentence);
      print_all({sentence});
      stop_plugins();
      code = kCannotRun;
    }
    log::stop();
    return code;
  }

 private:
  int check_file_limit(const net::FileLimit& limit) const {
    const std::uint64_t wanted = settings_.max_connections;
    if (limit.connections < kFewestConnections || limit.connections < wanted) {
      print_all(
          {"the limit of open files is " + std::to_string(limit.files) +
           ", which leaves room for " + std::to_string(limit.connections) + " connections" +
           (wanted == 0 ? std::string() : ", less than MAX_CONNECTIONS=" + std::to_string(wanted)) +
           ": raise it (ulimit -n, LimitNOFILE= in systemd, docker run --ulimit nofile=…)" +
           (wanted == 0 ? "" : " or lower MAX_CONNECTIONS")});
      return kCannotRun;
    }
    return kFine;
  }

  int create_plugins() {
    const plugin_host::Services services{control_, blocking_, reload::lookup_in(values_),
                                         log_plugin_line};
    const std::vector<std::string> refusals = plugins_.create(services);
    for (const std::string& refusal : refusals) log::fault(refusal);
    print_all(refusals);
    return refusals.empty() ? kFine : kPluginRefused;
  }

  int serve(const net::FileLimit& limit, net::Descriptor listener) {
    struct Memory {
      modules::builtin::MemoryRegistry* registry = modules::builtin::make_memory_registry();
      ~Memory() { modules::builtin::destroy_memory_registry(registry); }
    } memory;
    const modules::ModuleTable table = make_module_table(plugins_, memory.registry);
    const std::string instance = make_instance_id();
    const std::uint64_t max_connections =
        settings_.max_connections != 0 ? settings_.max_connections : limit.connections;
    net::ServerOptions options = server_options(settings_, max_connections);
    options.max_sockets = limit.sockets;
    options.max_memory_bytes =
        settings_.max_memory_bytes != 0 ? settings_.max_memory_bytes : net::default_memory_budget();
    net::Server server(options, instance, table, std::move(listener));
    const crolang_registry_events events = broker::registry_events(server.grid());
    char error[512] = "";
    const crolang_status bound = table.registry.table->bind(
        table.registry.self, {instance.data(), instance.size()}, &events, error, sizeof error);
    int code = kFine;
    if (bound == CROLANG_OK) {
      server.start();
      log_start(instance, limit, max_connections, table.authentication.plugin_id);
      wait_for_end(server);
      server.stop();
    } else {
      log::fault("the registry cannot be used",
                 {{"plugin", table.registry.plugin_id}, {"why", error}});
      code = kPluginRefused;
    }
    const bool stopped = stop_plugins();
    log::info("stopped");
    if (!stopped) {
      // What hangs may still use what is about to be destroyed.
      log::stop();
      ::_exit(kPluginHangs);
    }
    return code;
  }

  void log_start(const std::string& instance, const net::FileLimit& limit,
                 std::uint64_t max_connections, std::string_view admission_plugin) const {
    for (const crolang_plugin* plugin : plugins_.plugins()) {
      log::info("plugin loaded", {{"plugin", plugin->id}, {"version", plugin->version}});
    }
    if (limit.connections < kFewConnections) {
      log::warning(
          "the limit of open files is low: raise it with ulimit -n, LimitNOFILE or --ulimit nofile",
          {{"files", limit.files}});
    }
    log::info("listening", {{"port", settings_.port},
                            {"version", config::version()},
                            {"workers", settings_.workers},
                            {"admission", admission_by(admission_plugin)},
                            {"max_connections", max_connections},
                            {"instance", instance},
                            {"dotenv", where_dotenv_is()}});
  }

  void wait_for_end(net::Server& server) {
    control_.on_signal([this, &server](int signal) {
      switch (signal) {
        case SIGHUP:
          read_again();
          break;
        case SIGUSR1:
        case SIGUSR2:
          log::info("this signal means nothing to the broker", {{"signal", signal}});
          break;
        default:
          end(signal, server);
      }
    });
    control_.run();
  }

  void read_again() {
    if (draining_) {
      log::info("SIGHUP: nothing is read again, since the broker is ending");
    } else {
      reload::log(reloader_.read_again());
    }
  }

  void end(int signal, net::Server& server) {
    if (draining_) {
      log::info("second signal: ending at once");
      log::stop();
      ::_exit(128 + signal);
    }
    draining_ = true;
    log::info("draining", {{"signal", signal}, {"duration_ms", settings_.drain_duration.count()}});
    try {
      server.drain(control_, settings_.drain_duration, [this] { control_.stop(); });
    } catch (const std::bad_alloc&) {
      log::fault("there is no memory to send the nodes away one after the other");
      control_.stop();
    }
  }

  /// False: a plugin did not stop in time.
  bool stop_plugins() {
    std::vector<plugin_host::ModuleSet::Straggler> stragglers;
    plugins_.stop([&](std::vector<plugin_host::ModuleSet::Straggler> late) {
      stragglers = std::move(late);
      control_.stop();
    });
    control_.run();
    for (const auto& straggler : stragglers) {
      log::fault("a plugin did not stop within 5 s",
                 {{"plugin", straggler.id}, {"blocking_functions", straggler.blocking}});
    }
    if (!stragglers.empty()) return false;
    plugins_.destroy();
    return true;
  }

  const config::Settings& settings_;
  const std::vector<std::string>& warnings_;
  plugin_host::ModuleSet& plugins_;
  const config::Values& values_;
  reload::Reloader reloader_;
  net::Control control_;
  net::BlockingThreads blocking_;
  bool draining_ = false;  // the handler of signals outlives the server
};

int report(const plugin_host::Report& report) {
  std::cout << report.text;
  return report.outcome == plugin_host::Report::Outcome::fine ? kFine : kPluginRefused;
}

/// For a HEALTHCHECK, to which any code but 0 and 1 means nothing.
int check_health(const config::Environment& environment) {
  const config::Loaded loaded = config::load(environment, {});
  print_all(loaded.faults);
  if (!loaded.faults.empty()) return kCannotRun;
  const net::Health health =
      net::ask_health(loaded.settings.bind_address, loaded.settings.port, kHealthPatience);
  if (health.state == net::Health::State::unwell) {
    print_all({health.text});
    return kCannotRun;
  }
  std::cout << health.text << '\n';
  return kFine;
}

int run(const config::Command& command) {
  const config::Environment environment = read_environment();
  const config::Values host_values(environment, config::variables());
  const plugin_host::Lookup host_lookup = reload::lookup_in(host_values);
  const fs::path plugins_dir = host_lookup("PLUGINS_DIR").value_or(default_plugins_dir().string());

  switch (command.kind) {
    case config::Command::Kind::help:
      std::cout << config::help_text(bundled_variables(plugins_dir));
      return kFine;
    case config::Command::Kind::version:
      std::cout << "crolang-broker " << config::version() << '\n';
      return kFine;
    case config::Command::Kind::print_markdown:
      std::cout << config::markdown_table() << '\n'
                << config::plugin_markdown_table(bundled_variables(plugins_dir));
      return kFine;
    case config::Command::Kind::plugins_list:
      return report(plugin_host::describe_folder(plugins_dir));
    case config::Command::Kind::plugins_check:
      return report(plugin_host::describe_file(command.file));
    case config::Command::Kind::healthcheck:
      return check_health(environment);
    case config::Command::Kind::usage_error:
      print_all({command.error});
      return kBadConfiguration;
    default:
      break;
  }

  const plugin_host::Choices choices = plugin_host::resolve_choices(host_lookup, plugins_dir);
  plugin_host::ModuleSet plugins(choices.chosen);
  const std::vector<config::Variable> plugin_variables = reload::variables_of(plugins);
  if (command.kind == config::Command::Kind::print_config) {
    std::cout << config::config_text(environment, plugin_variables);
  }
  const config::Values values(environment, config::merged(plugin_variables));
  const bool all_loaded = choices.refusals.empty() && plugins.refusals().empty();
  config::Loaded loaded = config::load(environment, plugin_variables,
                                       neighbours(all_loaded ? Chosen::loaded : Chosen::refused));
  plugin_host::Judgement judged = plugins.judge(reload::lookup_in(values), loaded.refused);
  std::move(judged.faults.begin(), judged.faults.end(), std::back_inserter(loaded.faults));
  std::move(judged.warnings.begin(), judged.warnings.end(), std::back_inserter(loaded.warnings));
  print_warnings(loaded.warnings);
  print_all(loaded.faults);
  print_all(choices.refusals);
  print_all(plugins.refusals());
  if (!loaded.faults.empty()) return kBadConfiguration;
  if (!all_loaded) return kPluginRefused;
  if (command.kind == config::Command::Kind::check_config)
    std::cout << "the configuration is fine (.env: " << where_dotenv_is() << ")\n";
  if (command.kind != config::Command::Kind::run) return kFine;
  Application application(loaded, plugins, values);
  return application.run();
}

}  // namespace

int main(int argc, char** argv) {
  // First of all: who sends one during the start may do so at any moment of it.
  net::Control::hold_signals();
  // What a slow reader or a large message made grow goes back to the system: by default glibc keeps
  // up to 64 MiB of it.
  ::mallopt(M_MMAP_THRESHOLD, 512 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  net::MemoryReserve::install();
  try {
    const std::vector<config::Variable> known =
        config::merged(config::known_besides(config::variables(), neighbours(Chosen::loaded)));
    return run(config::parse_command_line(argc, argv, known));
  } catch (const std::exception& error) {
    print_all({error.what()});
    return kCannotRun;
  }
}
