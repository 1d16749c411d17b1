#include "config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "system/cpus.hpp"
#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using namespace std::chrono_literals;
using test::environment;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Values = std::initializer_list<std::pair<std::string, std::string>>;

Settings settings(Values values = {}) {
  const Loaded loaded = load(environment(values));
  EXPECT_THAT(loaded.faults, IsEmpty());
  return loaded.settings;
}

std::vector<std::string> faults(Values values, std::vector<Variable> plugin_variables = {}) {
  return load(environment(values), plugin_variables).faults;
}

TEST(Settings, HaveTheDefaultsOfTheContract) {
  const Settings s = settings();
  EXPECT_EQ(s.port, 8080);
  EXPECT_EQ(s.plain_port, 0);
  EXPECT_EQ(s.bind_address, "");
  EXPECT_EQ(s.tls.certificate_files, "");
  EXPECT_EQ(s.tls.key_files, "");
  EXPECT_EQ(s.tls.client_authority_file, "");
  EXPECT_EQ(s.tls.minimum_version, TlsVersion::tls12);
  EXPECT_EQ(s.tls.record_layer, TlsRecordLayer::compact);
  EXPECT_EQ(s.allowed_origins, "");
  EXPECT_TRUE(s.clients.trusted_proxies.is_empty());
  EXPECT_EQ(s.clients.header, client_address::Header::x_forwarded_for);
  EXPECT_EQ(s.clients.proxy_protocol, client_address::ProxyProtocol::refused);
  EXPECT_EQ(s.log_level, 0);
  EXPECT_EQ(s.log_format, LogFormat::text);
  EXPECT_EQ(s.metrics, Switch::off);
  EXPECT_EQ(s.p2p_connection, Switch::on);
  EXPECT_EQ(s.websocket_relay, Switch::on);
  EXPECT_EQ(s.authorization_scope, AuthorizationScope::every_message);
  EXPECT_EQ(s.authorize_presence, Switch::off);
  EXPECT_EQ(s.negotiation_insight, Switch::on);
  EXPECT_EQ(s.ping_interval, 25s);
  EXPECT_EQ(s.ping_timeout, 20s);
  EXPECT_EQ(s.handshake_timeout, 10s);
  EXPECT_EQ(s.duplicate_id_probe_timeout, 1500ms);
  EXPECT_EQ(s.nodes_status_check_interval, 30s);
  EXPECT_EQ(s.plugin_timeout, 10s);
  EXPECT_EQ(s.drain_duration, 5s);
  EXPECT_EQ(s.max_connection_age, 0ms);
  EXPECT_EQ(s.max_connections, 0u);
  EXPECT_EQ(s.max_connections_per_address, 0u);
  EXPECT_EQ(s.connection_rate_per_address, 0u);
  EXPECT_EQ(s.max_handshakes, 0u);
  EXPECT_EQ(s.max_payload_bytes, 1'000'000u);
  EXPECT_EQ(s.max_outbox_bytes, 4'194'304u);
  EXPECT_EQ(s.message_rate_per_node, 0u);
  EXPECT_EQ(s.message_burst_per_node, 0u);
  EXPECT_EQ(s.max_presence_ids, 1000u);
  EXPECT_EQ(s.max_presence_ids_per_second, 10'000u);
  EXPECT_EQ(s.max_validity_ids, 1000u);
  EXPECT_EQ(s.max_node_id_bytes, 256u);
  EXPECT_EQ(s.plugins_dir, "");
}

TEST(Settings, HaveAsManyWorkersAsUsableCpus) {
  EXPECT_EQ(settings().workers, std::min(system::usable_cpus(), 256u));
  EXPECT_GE(settings().workers, 1u);
  EXPECT_LE(settings().workers, 256u);
}

TEST(Settings, TakeEveryValueThatIsGiven) {
  const Settings s = settings({{"PORT", "1"},
                               {"BIND_ADDRESS", "::1"},
                               {"WORKERS", "3"},
                               {"ALLOWED_ORIGINS", "https://a.example"},
                               {"PLAIN_PORT", "2"},
                               {"TLS_CERT_FILE", "a.pem,b.pem"},
                               {"TLS_KEY_FILE", "a.key,b.key"},
                               {"TLS_MIN_VERSION", "1.3"},
                               {"TLS_CLIENT_CA_FILE", "ca.pem"},
                               {"TLS_RECORD_LAYER", "openssl"},
                               {"TRUSTED_PROXIES", "10.0.0.0/8,::1"},
                               {"CLIENT_ADDRESS_HEADER", "Forwarded"},
                               {"PROXY_PROTOCOL", "true"},
                               {"LOG_LEVEL", "2"},
                               {"LOG_FORMAT", "json"},
                               {"METRICS_ENABLED", "true"},
                               {"P2P_CONNECTION_ENABLED", "false"},
                               {"WEBSOCKET_RELAY_ENABLED", "false"},
                               {"AUTHORIZE_NODES_COMMUNICATION_SCOPE", "initiation"},
                               {"AUTHORIZE_PRESENCE", "true"},
                               {"NEGOTIATION_INSIGHT", "false"},
                               {"PING_INTERVAL_MS", "101"},
                               {"PING_TIMEOUT_MS", "102"},
                               {"HANDSHAKE_TIMEOUT_MS", "103"},
                               {"DUPLICATE_ID_PROBE_TIMEOUT_MS", "0"},
                               {"NODES_STATUS_CHECK_INTERVAL_MS", "104"},
                               {"PLUGIN_TIMEOUT_MS", "105"},
                               {"DRAIN_DURATION_MS", "0"},
                               {"MAX_CONNECTION_AGE_MS", "1000"},
                               {"MAX_CONNECTIONS", "7"},
                               {"MAX_CONNECTIONS_PER_ADDRESS", "13"},
                               {"CONNECTION_RATE_PER_ADDRESS", "14"},
                               {"MAX_HANDSHAKES", "15"},
                               {"MAX_PAYLOAD_BYTES", "2000"},
                               {"MAX_OUTBOX_BYTES", "4000"},
                               {"MESSAGE_RATE_PER_NODE", "11"},
                               {"MESSAGE_BURST_PER_NODE", "12"},
                               {"MAX_PRESENCE_IDS", "8"},
                               {"MAX_PRESENCE_IDS_PER_SECOND", "0"},
                               {"NODES_VALIDITY_CHECK_MAX_IDS", "10"},
                               {"MAX_NODE_ID_BYTES", "9"},
                               {"PLUGINS_DIR", "/opt/plugins"}});
  EXPECT_EQ(s.port, 1);
  EXPECT_EQ(s.bind_address, "::1");
  EXPECT_EQ(s.workers, 3u);
  EXPECT_EQ(s.allowed_origins, "https://a.example");
  EXPECT_EQ(s.plain_port, 2);
  EXPECT_EQ(s.tls.certificate_files, "a.pem,b.pem");
  EXPECT_EQ(s.tls.key_files, "a.key,b.key");
  EXPECT_EQ(s.tls.client_authority_file, "ca.pem");
  EXPECT_EQ(s.tls.minimum_version, TlsVersion::tls13);
  EXPECT_EQ(s.tls.record_layer, TlsRecordLayer::openssl);
  EXPECT_TRUE(s.clients.trusted_proxies.contains(*client_address::parse_address("10.1.2.3")));
  EXPECT_TRUE(s.clients.trusted_proxies.contains(*client_address::parse_address("::1")));
  EXPECT_EQ(s.clients.header, client_address::Header::forwarded);
  EXPECT_EQ(s.clients.proxy_protocol, client_address::ProxyProtocol::required);
  EXPECT_EQ(s.log_level, 2);
  EXPECT_EQ(s.log_format, LogFormat::json);
  EXPECT_EQ(s.metrics, Switch::on);
  EXPECT_EQ(s.p2p_connection, Switch::off);
  EXPECT_EQ(s.websocket_relay, Switch::off);
  EXPECT_EQ(s.authorization_scope, AuthorizationScope::initiation);
  EXPECT_EQ(s.authorize_presence, Switch::on);
  EXPECT_EQ(s.negotiation_insight, Switch::off);
  EXPECT_EQ(s.ping_interval, 101ms);
  EXPECT_EQ(s.ping_timeout, 102ms);
  EXPECT_EQ(s.handshake_timeout, 103ms);
  EXPECT_EQ(s.duplicate_id_probe_timeout, 0ms);
  EXPECT_EQ(s.nodes_status_check_interval, 104ms);
  EXPECT_EQ(s.plugin_timeout, 105ms);
  EXPECT_EQ(s.drain_duration, 0ms);
  EXPECT_EQ(s.max_connection_age, 1s);
  EXPECT_EQ(s.max_connections, 7u);
  EXPECT_EQ(s.max_connections_per_address, 13u);
  EXPECT_EQ(s.connection_rate_per_address, 14u);
  EXPECT_EQ(s.max_handshakes, 15u);
  EXPECT_EQ(s.max_payload_bytes, 2000u);
  EXPECT_EQ(s.max_outbox_bytes, 4000u);
  EXPECT_EQ(s.message_rate_per_node, 11u);
  EXPECT_EQ(s.message_burst_per_node, 12u);
  EXPECT_EQ(s.max_presence_ids, 8u);
  EXPECT_EQ(s.max_presence_ids_per_second, 0u);
  EXPECT_EQ(s.max_validity_ids, 10u);
  EXPECT_EQ(s.max_node_id_bytes, 9u);
  EXPECT_EQ(s.plugins_dir, "/opt/plugins");
}

TEST(Settings, TakeAnEmptyValueAsNotSet) {
  EXPECT_EQ(settings({{"PORT", ""}}).port, 8080);
}

TEST(Settings, TakeTheLargestValuesWithoutOverflow) {
  for (const Variable& each : variables()) {
    if (each.type != Type::uint) continue;
    const std::string largest = std::to_string(each.max);
    EXPECT_THAT(faults({{each.name, largest},
                        {"MAX_OUTBOX_BYTES", "1073741824"},
                        {"ADMIN_TOKEN", "a-token-of-the-tests"}}),
                IsEmpty());
    EXPECT_THAT(faults({{each.name, std::to_string(each.max + 1)}}),
                ElementsAre(HasSubstr(each.name + ": \"")));
  }
}

TEST(Faults, NameVariableValueOriginAndWhatIsAllowed) {
  EXPECT_THAT(
      faults({{"PORT", "99999"}}),
      ElementsAre("PORT: \"99999\" from environment is not a whole number from 1 to 65535"));
}

TEST(Faults, AreReportedAllAtOnceInTheOrderOfTheTable) {
  EXPECT_THAT(faults({{"LOG_FORMAT", "xml"},
                      {"WORKERS", "0"},
                      {"BIND_ADDRESS", "localhost"},
                      {"METRICS_ENABLED", "yes"}}),
              ElementsAre(HasSubstr("BIND_ADDRESS: \"localhost\" from environment is not a numeric "
                                    "IPv4 or IPv6 address"),
                          HasSubstr("WORKERS: \"0\""), HasSubstr("is not text or json"),
                          HasSubstr("is not true or false")));
}

TEST(Faults, SayWhatStandsAroundAValue) {
  EXPECT_THAT(faults({{"PORT", "\"80\""}, {"LOG_FORMAT", "json\r"}}),
              Each(HasSubstr(" (remove the quotes or blanks around it)")));
  EXPECT_THAT(faults({{"PORT", "\"x\""}}), Each(Not(HasSubstr("remove the quotes"))));
}

TEST(Faults, GiveAnExampleThatSuitsTheVariable) {
  EXPECT_THAT(faults({{"REDIS_URL", "localhost:6379"}}),
              ElementsAre(HasSubstr("is not a URL such as redis://localhost:6379")));
}

TEST(Faults, IncludeThoseOfTheDotEnvFile) {
  Environment broken = environment({{"PORT", "x"}});
  broken.faults.push_back(".env: line 2 is not NAME=value");
  EXPECT_THAT(load(broken).faults,
              ElementsAre(".env: line 2 is not NAME=value", HasSubstr("PORT")));
}

TEST(Faults, NeverShowASecret) {
  EXPECT_THAT(faults({{"REDIS_URL", "user:hush@host"}}),
              ElementsAre(AllOf(HasSubstr("REDIS_URL: its value (secret, not shown)"),
                                Not(HasSubstr("hush")))));
}

TEST(Faults, NeverShowThePasswordOfAUrl) {
  EXPECT_THAT(faults({{"NODES_AUTHENTICATION_WEBHOOK_URL", "user:hush@host"}}),
              ElementsAre(AllOf(HasSubstr("\"***@host\""), Not(HasSubstr("hush")))));
}

TEST(Faults, KeepAValueOnOneLine) {
  EXPECT_THAT(faults({{"PORT", "1\n2"}}), ElementsAre(HasSubstr("PORT: \"1\\u000a2\"")));
}

TEST(Faults, IncludeASecretFileThatCannotBeRead) {
  EXPECT_THAT(faults({{"REDIS_URL_FILE", "/nowhere/x"}}),
              ElementsAre(HasSubstr("REDIS_URL_FILE: \"/nowhere/x\" cannot be read")));
}

TEST(Outbox, MustHoldTwoPayloads) {
  EXPECT_THAT(faults({{"MAX_PAYLOAD_BYTES", "3000000"}}),
              ElementsAre("MAX_OUTBOX_BYTES: 4194304 is less than twice MAX_PAYLOAD_BYTES "
                          "(3000000): set it to at least 6000000"));
  EXPECT_THAT(faults({{"MAX_PAYLOAD_BYTES", "3000000"}, {"MAX_OUTBOX_BYTES", "6000000"}}),
              IsEmpty());
  EXPECT_THAT(faults({{"MAX_PAYLOAD_BYTES", "3000000"}, {"MAX_OUTBOX_BYTES", "5999999"}}),
              ElementsAre(HasSubstr("5999999 is less than twice")));
}

TEST(Tls, NeedsBothCertificateAndKey) {
  EXPECT_THAT(faults({{"TLS_CERT_FILE", "a.pem"}}),
              ElementsAre("TLS_CERT_FILE is set without TLS_KEY_FILE: TLS needs both"));
  EXPECT_THAT(faults({{"TLS_KEY_FILE", "a.key"}}),
              ElementsAre("TLS_KEY_FILE is set without TLS_CERT_FILE: TLS needs both"));
  EXPECT_THAT(faults({{"TLS_CERT_FILE", "a.pem"}, {"TLS_KEY_FILE", "a.key"}}), IsEmpty());
}

TEST(Tls, IsNotMissedWhereAVariableOfItWasRefused) {
  EXPECT_THAT(faults({{"TLS_CERT_FILE", "a\x01.pem"}, {"TLS_KEY_FILE", "a.key"}}),
              ElementsAre(HasSubstr("TLS_CERT_FILE: its value")));
}

TEST(Tls, IsWarnedOfVariablesThatNeedIt) {
  const auto warnings = load(environment({{"TLS_MIN_VERSION", "1.3"},
                                          {"TLS_CLIENT_CA_FILE", "ca.pem"},
                                          {"TLS_RECORD_LAYER", "compact"}}))
                            .warnings;
  EXPECT_THAT(warnings, ElementsAre("TLS_MIN_VERSION has no effect without TLS_CERT_FILE",
                                    "TLS_CLIENT_CA_FILE has no effect without TLS_CERT_FILE",
                                    "TLS_RECORD_LAYER has no effect without TLS_CERT_FILE"));
  EXPECT_THAT(
      load(environment(
               {{"TLS_MIN_VERSION", "1.3"}, {"TLS_CERT_FILE", "a.pem"}, {"TLS_KEY_FILE", "a.key"}}))
          .warnings,
      IsEmpty());
}

TEST(PlainPort, IsAnotherThanPort) {
  EXPECT_THAT(faults({{"PLAIN_PORT", "8080"}}),
              ElementsAre("PLAIN_PORT: 8080 is PORT too: choose another port, or 0 for none"));
  EXPECT_EQ(settings({{"PLAIN_PORT", "8081"}}).plain_port, 8081);
  EXPECT_EQ(settings({{"PLAIN_PORT", "0"}}).plain_port, 0);
}

TEST(Proxies, MustBeTrustedForTheProxyProtocol) {
  EXPECT_THAT(faults({{"PROXY_PROTOCOL", "true"}}),
              ElementsAre("PROXY_PROTOCOL: true needs TRUSTED_PROXIES: set it to the addresses of "
                          "the proxies that send the PROXY protocol, such as 10.0.0.0/8"));
  EXPECT_THAT(faults({{"PROXY_PROTOCOL", "true"}, {"TRUSTED_PROXIES", "10.0.0.1"}}), IsEmpty());
  EXPECT_THAT(faults({{"PROXY_PROTOCOL", "true"}, {"TRUSTED_PROXIES", "proxy"}}),
              ElementsAre(HasSubstr("TRUSTED_PROXIES: \"proxy\"")));
}

TEST(Proxies, AreWarnedOfWhereTheyAreEverybody) {
  for (const char* const all : {"0.0.0.0/0", "10.0.0.0/8,::/0", "::ffff:0.0.0.0/96"}) {
    EXPECT_THAT(load(environment({{"TRUSTED_PROXIES", all}})).warnings,
                ElementsAre(HasSubstr("trusts everybody")))
        << all;
  }
  EXPECT_THAT(load(environment({{"TRUSTED_PROXIES", "0.0.0.0/1,0.0.0.0"}})).warnings, IsEmpty());
}

TEST(Proxies, AreWarnedOfAHeaderThatNobodyMaySend) {
  EXPECT_THAT(load(environment({{"CLIENT_ADDRESS_HEADER", "Forwarded"}})).warnings,
              ElementsAre("CLIENT_ADDRESS_HEADER has no effect without TRUSTED_PROXIES"));
}

TEST(Warnings, NameWhatIsProbablyMisspelt) {
  EXPECT_THAT(load(environment({{"PING_INTERVALL_MS", "1"}, {"HOSTNAME", "x"}})).warnings,
              ElementsAre(HasSubstr("did you mean PING_INTERVAL_MS?")));
}

TEST(Warnings, TellOfQuotesThatWereTakenOff) {
  EXPECT_THAT(load(environment({{"PLUGINS_DIR", "\"/x\""}})).warnings,
              ElementsAre(HasSubstr("PLUGINS_DIR: its value from environment had quotes")));
}

TEST(Warnings, KnowTheVariablesOfBundledPlugins) {
  const std::vector<BundledVariable> bundled{{"TURN_SHARED_SECRET", Secrecy::secret, {"X"}}};
  const auto warnings = [&](Values values) {
    return load(environment(values), {}, bundled).warnings;
  };
  EXPECT_THAT(warnings({{"TURN_SECRET", "x"}}),
              ElementsAre(HasSubstr("did you mean TURN_SHARED_SECRET?")));
  EXPECT_THAT(warnings({{"TURN_SHARED_SECRET", "x"}}), ElementsAre(HasSubstr("has no effect")));
}

TEST(Warnings, KnowTheVariablesOfChosenPlugins) {
  const std::vector<Variable> plugin{{.name = "PING_INTERVALS_MS", .group = "p"}};
  EXPECT_THAT(load(environment({{"PING_INTERVALS_MS", "1"}}), plugin).warnings, IsEmpty());
}

TEST(PluginVariables, AreValidatedWithTheHosts) {
  const std::vector<Variable> plugin{
      {.name = "N", .type = Type::uint, .group = "org.example.p"},
      {.name = "TOKEN", .presence = Presence::required, .group = "org.example.p"}};
  EXPECT_THAT(faults({{"PORT", "0"}, {"N", "many"}}, plugin),
              ElementsAre(HasSubstr("PORT"), HasSubstr("N: \"many\""),
                          "TOKEN is not set, but org.example.p needs it"));
}

TEST(PluginVariables, ThatTheHostReadsTooAreReportedOnce) {
  const std::vector<Variable> plugin{{.name = "REDIS_URL",
                                      .type = Type::url,
                                      .presence = Presence::required,
                                      .secrecy = Secrecy::secret,
                                      .group = "org.example.redis"}};
  EXPECT_THAT(faults({{"REDIS_URL", "x"}}, plugin),
              ElementsAre(AllOf(HasSubstr("REDIS_URL: its value"), HasSubstr("redis://"))));
  EXPECT_THAT(faults({}, plugin),
              ElementsAre("REDIS_URL is not set, but org.example.redis needs it"));
}

TEST(PluginVariables, MustSuitEachPluginThatDeclaresThem) {
  const std::vector<Variable> plugins{{.name = "N", .group = "a"},
                                      {.name = "N", .type = Type::uint, .group = "b"}};
  EXPECT_THAT(faults({{"N", "x"}}, plugins), ElementsAre(HasSubstr("is not a whole number")));
}

TEST(PluginVariables, ThatOnePluginKeepsSecretAreSecretForAll) {
  const std::vector<Variable> plugins{
      {.name = "N", .type = Type::uint, .group = "a"},
      {.name = "N", .type = Type::uint, .secrecy = Secrecy::secret, .group = "b"}};
  EXPECT_THAT(faults({{"N", "hush"}}, plugins), Each(Not(HasSubstr("hush"))));
}

TEST(Faults, NameMemoryThatIsTooLittleForTheBrokerItself) {
  EXPECT_THAT(load(environment({{"MAX_MEMORY_BYTES", "512"}})).faults,
              ElementsAre("MAX_MEMORY_BYTES: 512 is less than the broker itself needs: set it to "
                          "at least 16777216 (16 MiB), or to 0"));
  for (const char* good : {"0", "16777216"}) {
    EXPECT_THAT(load(environment({{"MAX_MEMORY_BYTES", good}})).faults, ElementsAre());
  }
}

TEST(Refused, AreTheVariablesThatFaultsAreAbout) {
  const Loaded loaded =
      load(environment({{"PORT", "x"}, {"REDIS_URL", "localhost:6379"}, {"WORKERS", "2"}}));
  EXPECT_THAT(loaded.refused, ::testing::UnorderedElementsAre("PORT", "REDIS_URL"));
}

TEST(Faults, ShowAnExampleOfTheVariablesOwnKind) {
  EXPECT_THAT(load(environment({{"REDIS_URL", "localhost:6379"}})).faults,
              ElementsAre("REDIS_URL: its value (secret, not shown) from environment is not a URL "
                          "such as redis://localhost:6379 (it has no scheme followed by "
                          "://)"));
}

TEST(Faults, ShowThatExampleOnceThoughAPluginDeclaresItToo) {
  const std::vector<Variable> plugin{
      {.name = "REDIS_URL", .type = Type::url, .secrecy = Secrecy::secret, .group = "registry"}};
  EXPECT_THAT(load(environment({{"REDIS_URL", "localhost:6379"}}), plugin).faults,
              ::testing::SizeIs(1));
}

}  // namespace
}  // namespace crolang::config
