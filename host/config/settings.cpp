#include "config/settings.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "client_address/address_set.hpp"
#include "config/admin_check.hpp"
#include "config/hint.hpp"
#include "config/spelling.hpp"
#include "telemetry/escape.hpp"

namespace crolang::config {
namespace {

constexpr std::chrono::milliseconds kLeastAge{1000};
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

/// Reads every variable once, collects faults, and returns values that are valid for their type.
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

  // A plugin may declare what the host or another plugin declares; a fault is reported once.
  void fault(std::string sentence) { add(faults_, std::move(sentence)); }

  bool is_set(std::string_view name) const {
    const Source source = find(environment_, variable(name)).source;
    return source != Source::unset && source != Source::default_value;
  }
  bool was_refused(std::string_view name) const {
    return std::find(refused_.begin(), refused_.end(), name) != refused_.end();
  }

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

// Described as merged: what one plugin declares secret must not appear in a sentence about another
// plugin's variable of that name, and the same fault gives the same sentence.
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

client_address::Policy clients(const Reader& read) {
  using client_address::AddressSet;
  client_address::Policy policy;
  auto proxies = client_address::parse_address_set(read.text("TRUSTED_PROXIES"));
  // A value that was refused is replaced by the default, which is none.
  if (auto* const set = std::get_if<AddressSet>(&proxies)) policy.trusted_proxies = std::move(*set);
  policy.header = read.text("CLIENT_ADDRESS_HEADER") == "Forwarded"
                      ? client_address::Header::forwarded
                      : client_address::Header::x_forwarded_for;
  policy.proxy_protocol = read.is_on("PROXY_PROTOCOL") == Switch::on
                              ? client_address::ProxyProtocol::required
                              : client_address::ProxyProtocol::refused;
  return policy;
}

TlsSettings tls(const Reader& read) {
  return {.certificate_files = read.text("TLS_CERT_FILE"),
          .key_files = read.text("TLS_KEY_FILE"),
          .client_authority_file = read.text("TLS_CLIENT_CA_FILE"),
          .minimum_version =
              read.text("TLS_MIN_VERSION") == "1.3" ? TlsVersion::tls13 : TlsVersion::tls12,
          .record_layer = read.text("TLS_RECORD_LAYER") == "openssl" ? TlsRecordLayer::openssl
                                                                     : TlsRecordLayer::compact};
}

AdminSettings admin(const Reader& read) {
  return {.port = static_cast<std::uint16_t>(read.number("ADMIN_PORT")),
          .bind_address = read.text("ADMIN_BIND_ADDRESS"),
          .max_streams = read.number("ADMIN_MAX_STREAMS"),
          .open_metrics = read.is_on("ADMIN_METRICS_OPEN")};
}

Settings settings_from(const Reader& read) {
  Settings s;
  s.port = static_cast<std::uint16_t>(read.number("PORT"));
  s.plain_port = static_cast<std::uint16_t>(read.number("PLAIN_PORT"));
  s.bind_address = read.text("BIND_ADDRESS");
  s.workers = workers(read);
  s.allowed_origins = read.text("ALLOWED_ORIGINS");
  s.tls = tls(read);
  s.admin = admin(read);
  s.clients = clients(read);
  s.log_level = static_cast<int>(read.number("LOG_LEVEL"));
  s.log_format = read.text("LOG_FORMAT") == "json" ? LogFormat::json : LogFormat::text;
  s.metrics = read.is_on("METRICS_ENABLED");
  s.p2p_connection = read.is_on("P2P_CONNECTION_ENABLED");
  s.websocket_relay = read.is_on("WEBSOCKET_RELAY_ENABLED");
  s.authorization_scope = read.text("AUTHORIZE_NODES_COMMUNICATION_SCOPE") == "initiation"
                              ? AuthorizationScope::initiation
                              : AuthorizationScope::every_message;
  s.authorize_presence = read.is_on("AUTHORIZE_PRESENCE");
  s.ping_interval = read.milliseconds("PING_INTERVAL_MS");
  s.ping_timeout = read.milliseconds("PING_TIMEOUT_MS");
  s.handshake_timeout = read.milliseconds("HANDSHAKE_TIMEOUT_MS");
  s.duplicate_id_probe_timeout = read.milliseconds("DUPLICATE_ID_PROBE_TIMEOUT_MS");
  s.nodes_status_check_interval = read.milliseconds("NODES_STATUS_CHECK_INTERVAL_MS");
  s.plugin_timeout = read.milliseconds("PLUGIN_TIMEOUT_MS");
  s.drain_duration = read.milliseconds("DRAIN_DURATION_MS");
  s.max_connection_age = read.milliseconds("MAX_CONNECTION_AGE_MS");
  s.max_connections = read.number("MAX_CONNECTIONS");
  s.max_connections_per_address =
      static_cast<std::uint32_t>(read.number("MAX_CONNECTIONS_PER_ADDRESS"));
  s.connection_rate_per_address =
      static_cast<std::uint32_t>(read.number("CONNECTION_RATE_PER_ADDRESS"));
  s.max_handshakes = static_cast<std::uint32_t>(read.number("MAX_HANDSHAKES"));
  s.max_memory_bytes = read.number("MAX_MEMORY_BYTES");
  s.max_payload_bytes = read.number("MAX_PAYLOAD_BYTES");
  s.max_outbox_bytes = read.number("MAX_OUTBOX_BYTES");
  s.message_rate_per_node = static_cast<std::uint32_t>(read.number("MESSAGE_RATE_PER_NODE"));
  s.message_burst_per_node = static_cast<std::uint32_t>(read.number("MESSAGE_BURST_PER_NODE"));
  s.max_presence_ids = read.number("MAX_PRESENCE_IDS");
  s.max_presence_ids_per_second = read.number("MAX_PRESENCE_IDS_PER_SECOND");
  s.max_validity_ids = read.number("NODES_VALIDITY_CHECK_MAX_IDS");
  s.max_node_id_bytes = read.number("MAX_NODE_ID_BYTES");
  s.plugins_dir = read.text("PLUGINS_DIR");
  return s;
}

/// What the variables about TLS mean together.
void check_tls(Reader& read, const TlsSettings& tls, std::vector<std::string>& warnings) {
  if (read.was_refused("TLS_CERT_FILE") || read.was_refused("TLS_KEY_FILE")) return;
  if (tls.certificate_files.empty() != tls.key_files.empty()) {
    read.fault(tls.key_files.empty() ? "TLS_CERT_FILE is set without TLS_KEY_FILE: TLS needs both"
                                     : "TLS_KEY_FILE is set without TLS_CERT_FILE: TLS needs both");
    return;
  }
  if (!tls.certificate_files.empty()) return;
  for (const char* const name : {"TLS_MIN_VERSION", "TLS_CLIENT_CA_FILE", "TLS_RECORD_LAYER"}) {
    if (read.is_set(name))
      warnings.push_back(std::string(name) + " has no effect without TLS_CERT_FILE");
  }
}

/// What the variables about the admin interface mean together.
void check_admin(Reader& read, const Settings& settings, std::vector<std::string>& warnings) {
  if (read.was_refused("ADMIN_PORT")) return;
  AdminFacts facts{settings.admin.port,      settings.port,
                   settings.plain_port,      settings.admin.bind_address,
                   read.text("ADMIN_TOKEN"), {}};
  facts.is_token_known = !read.was_refused("ADMIN_TOKEN");
  for (const char* const name :
       {"ADMIN_BIND_ADDRESS", "ADMIN_TOKEN", "ADMIN_MAX_STREAMS", "ADMIN_METRICS_OPEN"}) {
    if (read.is_set(name)) facts.set.push_back(name);
  }
  AdminFindings findings = check(facts);
  for (std::string& fault : findings.faults) read.fault(std::move(fault));
  for (std::string& warning : findings.warnings) warnings.push_back(std::move(warning));
}

/// What the variables about proxies mean together.
void check_clients(Reader& read, const client_address::Policy& clients,
                   std::vector<std::string>& warnings) {
  for (const client_address::Range& range : clients.trusted_proxies.ranges()) {
    if (range.bits != 0 && text_of(range) != "0.0.0.0/0") continue;
    warnings.push_back("TRUSTED_PROXIES: " + text_of(range) +
                       " trusts everybody, so that any client can name any address as its own: "
                       "give the addresses of the proxies");
  }
  if (!clients.trusted_proxies.is_empty() || read.was_refused("TRUSTED_PROXIES")) return;
  if (clients.proxy_protocol == client_address::ProxyProtocol::required) {
    read.fault(
        "PROXY_PROTOCOL: true needs TRUSTED_PROXIES: set it to the addresses of the proxies that "
        "send the PROXY protocol, such as 10.0.0.0/8");
  } else if (read.is_set("CLIENT_ADDRESS_HEADER")) {
    warnings.push_back("CLIENT_ADDRESS_HEADER has no effect without TRUSTED_PROXIES");
  }
}

}  // namespace

Loaded load(const Environment& environment, std::span<const Variable> plugin_variables,
            std::span<const BundledVariable> bundled) {
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
  warn(unread(environment, all, plugin_variables, bundled));
  std::vector<Variable> known = all;
  for (Variable& each : known_besides(all, bundled)) known.push_back(std::move(each));
  warn(misspelt(environment, known));
  if (loaded.settings.message_burst_per_node != 0 && loaded.settings.message_rate_per_node == 0)
    warn({"MESSAGE_BURST_PER_NODE has no effect without MESSAGE_RATE_PER_NODE"});
  const std::size_t least = 2 * loaded.settings.max_payload_bytes;
  if (loaded.settings.max_outbox_bytes < least)
    read.fault("MAX_OUTBOX_BYTES: " + std::to_string(loaded.settings.max_outbox_bytes) +
               " is less than twice MAX_PAYLOAD_BYTES (" +
               std::to_string(loaded.settings.max_payload_bytes) + "): set it to at least " +
               std::to_string(least));
  if (const auto age = loaded.settings.max_connection_age; age.count() != 0 && age < kLeastAge)
    read.fault("MAX_CONNECTION_AGE_MS: " + std::to_string(age.count()) +
               " would do nothing but make nodes reconnect: set it to at least " +
               std::to_string(kLeastAge.count()) + ", or to 0");
  if (const Settings& s = loaded.settings; s.plain_port == s.port && !read.was_refused("PORT"))
    read.fault("PLAIN_PORT: " + std::to_string(s.plain_port) +
               " is PORT too: choose another port, or 0 for none");
  check_tls(read, loaded.settings.tls, loaded.warnings);
  check_admin(read, loaded.settings, loaded.warnings);
  check_clients(read, loaded.settings.clients, loaded.warnings);
  // With less it would run but admit no node.
  if (const std::uint64_t memory = loaded.settings.max_memory_bytes;
      memory != 0 && memory < kLeastMemory)
    read.fault("MAX_MEMORY_BYTES: " + std::to_string(memory) +
               " is less than the broker itself needs: set it to at least " +
               std::to_string(kLeastMemory) + " (16 MiB), or to 0");
  loaded.faults = read.take_faults();
  loaded.refused = read.take_refused();
  return loaded;
}

}  // namespace crolang::config
