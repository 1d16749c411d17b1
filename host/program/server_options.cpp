#include "program/server_options.hpp"

#include <utility>

#include "config/version.hpp"
#include "process/memory_budget.hpp"

namespace crolang::program {

net::ServerOptions server_options(const config::Settings& settings,
                                  const process::FileLimit& limit) {
  net::ServerOptions options;
  options.workers = static_cast<std::uint16_t>(settings.workers);
  options.max_connections =
      settings.max_connections != 0 ? settings.max_connections : limit.connections;
  options.max_sockets = limit.sockets;
  options.max_handshakes = settings.max_handshakes;
  options.per_address = {settings.max_connections_per_address,
                         settings.connection_rate_per_address};
  options.max_memory_bytes =
      settings.max_memory_bytes != 0 ? settings.max_memory_bytes : process::default_memory_budget();
  if (!settings.allowed_origins.empty()) options.allowed_origins.emplace(settings.allowed_origins);
  options.clients = settings.clients;
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
  options.policy.authorize_presence = settings.authorize_presence == config::Switch::on;
  options.policy.probe_timeout = settings.duplicate_id_probe_timeout;
  options.policy.max_connection_age = settings.max_connection_age;
  options.policy.message_rate = settings.message_rate_per_node;
  options.policy.message_burst = settings.message_burst_per_node;
  options.policy.max_presence_ids = settings.max_presence_ids;
  options.policy.max_presence_ids_per_second = settings.max_presence_ids_per_second;
  options.policy.max_validity_ids = settings.max_validity_ids;
  options.policy.max_node_id_bytes = settings.max_node_id_bytes;
  options.policy.max_outbox_bytes = settings.max_outbox_bytes;
  options.plugin_timeout = settings.plugin_timeout;
  options.validity_check_interval = settings.nodes_status_check_interval;
  options.version = config::version();
  options.metrics = settings.metrics == config::Switch::on;
  return options;
}

admin::AdminOptions admin_options(const config::Settings& settings,
                                  const net::ServerOptions& options, std::string token) {
  return {.port = settings.admin.port,
          .token = std::move(token),
          .max_streams = settings.admin.max_streams,
          .metrics = settings.admin.open_metrics == config::Switch::on
                         ? admin::AdminSite::Metrics::open
                         : admin::AdminSite::Metrics::with_token,
          .limits = {{"MAX_CONNECTIONS", options.max_connections},
                     {"MAX_CONNECTIONS_PER_ADDRESS", settings.max_connections_per_address},
                     {"CONNECTION_RATE_PER_ADDRESS", settings.connection_rate_per_address},
                     {"MAX_HANDSHAKES", settings.max_handshakes},
                     {"MAX_MEMORY_BYTES", options.max_memory_bytes},
                     {"MAX_PAYLOAD_BYTES", settings.max_payload_bytes},
                     {"MAX_OUTBOX_BYTES", settings.max_outbox_bytes},
                     {"MESSAGE_RATE_PER_NODE", settings.message_rate_per_node},
                     {"MESSAGE_BURST_PER_NODE", settings.message_burst_per_node},
                     {"MAX_PRESENCE_IDS", settings.max_presence_ids},
                     {"MAX_PRESENCE_IDS_PER_SECOND", settings.max_presence_ids_per_second},
                     {"NODES_VALIDITY_CHECK_MAX_IDS", settings.max_validity_ids},
                     {"MAX_NODE_ID_BYTES", settings.max_node_id_bytes},
                     {"ADMIN_MAX_STREAMS", settings.admin.max_streams}}};
}

tls::ServerFiles server_files(const config::TlsSettings& settings) {
  return {.certificate_files = settings.certificate_files,
          .key_files = settings.key_files,
          .client_authority_file = settings.client_authority_file,
          .options = {.minimum_version = settings.minimum_version == config::TlsVersion::tls13
                                             ? tls::MinimumVersion::tls13
                                             : tls::MinimumVersion::tls12,
                      .record_layer = settings.record_layer == config::TlsRecordLayer::openssl
                                          ? tls::RecordLayerChoice::openssl
                                          : tls::RecordLayerChoice::compact}};
}

std::optional<net::HealthTarget> health_target(const config::Settings& settings) {
  if (settings.plain_port != 0)
    return net::HealthTarget{.bind_address = settings.bind_address, .port = settings.plain_port};
  const config::TlsSettings& tls = settings.tls;
  if (!tls.certificate_files.empty() && !tls.client_authority_file.empty()) return std::nullopt;
  return net::HealthTarget{.bind_address = settings.bind_address,
                           .port = settings.port,
                           .security = tls.certificate_files.empty()
                                           ? net::HealthTarget::Security::plain
                                           : net::HealthTarget::Security::tls,
                           .clients = settings.clients};
}

}  // namespace crolang::program
