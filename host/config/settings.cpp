#include "config/settings.hpp"

#include <algorithm>
#include <charconv>

#include "config/hint.hpp"
#include "config/spelling.hpp"
#include "telemetry/escape.hpp"

namespace crolang::config {
namespace {

constexpr std::uint64_t kLeastMemory = 16 * 1024 * 1024;

const Variable& variable(std::string_view name) {
  return *std::find_if(variables().begin(), variables().end(),
                       [&](const Variable& each) { return each.name == name; });
}

std::string refusal(const Variable& variable, const Found& found) {
  const std::string value = variable.secrecy == Secrecy::secret
                                ? "its value (secret, not shown)"
                                : telemetry::in_quotes(shown(variable, found.text));
  const std::string advice = hint(variable, found.text);
  return variable.name + ": " + value + " from " + found.from + " is not " + allowed(variable) +
         (advice.empty() ? advice : " (" + advice + ")");
}

/// Reads every variable once, collects faults, and hands out values that are sure to be of their
/// type.
class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  void check(const Variable& variable) {
    const Found found = find(environment_, variable);
    if (!found.note.empty()) add(warnings_, found.note);
    if (!found.fault.empty()) {
      refuse(variable, found.fault);
    } else if (found.source == Source::unset) {
      if (variable.presence == Presence::required)
        refuse(variable, variable.name + " is not set, but " + variable.group + " needs it");
    } else if (found.source != Source::default_value && !accepts(variable, found.text)) {
      refuse(variable, refusal(variable, found));
    }
  }

  /// Empty: not set and no default. A value that was refused is replaced by the default.
  std::string text(std::string_view name) const {
    const Variable& described = variable(name);
    const Found found = find(environment_, described);
    return accepts(described, found.text) ? found.text : described.default_value;
  }

  std::uint64_t number(std::string_view name) const {
    const std::string digits = text(name);
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  std::chrono::milliseconds milliseconds(std::string_view name) const {
    return std::chrono::milliseconds(number(name));
  }

  Switch is_on(std::string_view name) const {
    return text(name) == "true" ? Switch::on : Switch::off;
  }

  // A plugin may declare what the host or another plugin declares; what is wrong is said once.
  void fault(std::string sentence) { add(faults_, std::move(sentence)); }

  std::vector<std::string> take_faults() { return std::move(faults_); }
  std::vector<std::string> take_refused() { return std::move(refused_); }
  std::vector<std::string> take_warnings() { return std::move(warnings_); }

 private:
  static void add(std::vector<std::string>& sentences, std::string sentence) {
    if (std::find(sentences.begin(), sentences.end(), sentence) == sentences.end())
      sentences.push_back(std::move(sentence));
  }

  void refuse(const Variable& variable, std::string sentence) {
    fault(std::move(sentence));
    refused_.push_back(variable.name);
  }

  const Environment& environment_;
  std::vector<std::string> faults_;
  std::vector<std::string> refused_;
  std::vector<std::string> warnings_;
};

// What one plugin keeps secret must not show in a sentence about another's variable of that name,
// and the same fault reads the same.
Variable as_known(const std::vector<Variable>& all, Variable variable) {
  const auto known = std::find_if(all.begin(), all.end(),
                                  [&](const Variable& each) { return each.name == variable.name; });
  variable.secrecy = known->secrecy;
  variable.example = known->example;
  return variable;
}

unsigned workers(const Reader& read) {
  const auto chosen = read.number("WORKERS");
  return static_cast<unsigned>(chosen != 0 ? chosen : variable("WORKERS").measured_default());
}

Settings settings_from(const Reader& read) {
  Settings s;
  s.port = static_cast<std::uint16_t>(read.number("PORT"));
  s.bind_address = read.text("BIND_ADDRESS");
  s.workers = workers(read);
  s.log_level = static_cast<int>(read.number("LOG_LEVEL"));
  s.log_format = read.text("LOG_FORMAT") == "json" ? LogFormat::json : LogFormat::text;
  s.metrics = read.is_on("METRICS_ENABLED");
  s.p2p_connection = read.is_on("P2P_CONNECTION_ENABLED");
  s.websocket_relay = read.is_on("WEBSOCKET_RELAY_ENABLED");
  s.authorization_scope = read.text("AUTHORIZE_NODES_COMMUNICATION_SCOPE") == "initiation"
                              ? AuthorizationScope::initiation
                              : AuthorizationScope::every_message;
  s.ping_interval = read.milliseconds("PING_INTERVAL_MS");
  s.ping_timeout = read.milliseconds("PING_TIMEOUT_MS");
  s.handshake_timeout = read.milliseconds("HANDSHAKE_TIMEOUT_MS");
  s.duplicate_id_probe_timeout = read.milliseconds("DUPLICATE_ID_PROBE_TIMEOUT_MS");
  s.nodes_status_check_interval = read.milliseconds("NODES_STATUS_CHECK_INTERVAL_MS");
  s.plugin_timeout = read.milliseconds("PLUGIN_TIMEOUT_MS");
  s.drain_duration = read.milliseconds("DRAIN_DURATION_MS");
  s.max_connections = read.number("MAX_CONNECTIONS");
  s.max_memory_bytes = read.number("MAX_MEMORY_BYTES");
  s.max_payload_bytes = read.number("MAX_PAYLOAD_BYTES");
  s.max_outbox_bytes = read.number("MAX_OUTBOX_BYTES");
  s.max_presence_ids = read.number("MAX_PRESENCE_IDS");
  s.max_presence_ids_per_second = read.number("MAX_PRESENCE_IDS_PER_SECOND");
  s.max_validity_ids = read.number("NODES_VALIDITY_CHECK_MAX_IDS");
  s.max_node_id_bytes = read.number("MAX_NODE_ID_BYTES");
  s.plugins_dir = read.text("PLUGINS_DIR");
  return s;
}

}  // namespace

Loaded load(const Environment& environment, std::span<const Variable> plugin_variables,
            const Neighbours& neighbours) {
  Reader read(environment);
  for (const std::string& each : environment.faults) read.fault(each);
  const std::vector<Variable> all = merged(plugin_variables);
  for (const Variable& each : variables()) read.check(as_known(all, each));
  for (const Variable& each : plugin_variables) read.check(as_known(all, each));

  Loaded loaded{settings_from(read), {}, read.take_warnings(), {}};
  loaded.warnings.insert(loaded.warnings.begin(), environment.warnings.begin(),
                         environment.warnings.end());
  const auto warn = [&](const std::vector<std::string>& warnings) {
    loaded.warnings.insert(loaded.warnings.end(), warnings.begin(), warnings.end());
  };
  warn(unread(environment, all, plugin_variables, neighbours));
  std::vector<Variable> known = all;
  for (Variable& each : known_besides(all, neighbours)) known.push_back(std::move(each));
  warn(misspelt(environment, known));
  const std::size_t least = 2 * loaded.settings.max_payload_bytes;
  if (loaded.settings.max_outbox_bytes < least)
    read.fault("MAX_OUTBOX_BYTES: " + std::to_string(loaded.settings.max_outbox_bytes) +
               " is less than twice MAX_PAYLOAD_BYTES (" +
               std::to_string(loaded.settings.max_payload_bytes) + "): set it to at least " +
               std::to_string(least));
  // With less it would run and let nobody in.
  if (const std::uint64_t memory = loaded.settings.max_memory_bytes;
      memory != 0 && memory < kLeastMemory)
    read.fault("MAX_MEMORY_BYTES: " + std::to_string(memory) +
               " is less than the broker by itself needs: set it to at least " +
               std::to_string(kLeastMemory) + " (16 MiB), or to 0");
  loaded.faults = read.take_faults();
  loaded.refused = read.take_refused();
  return loaded;
}

}  // namespace crolang::config
