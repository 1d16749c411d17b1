#include "config/variable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace crolang::config {
namespace {

using ::testing::ElementsAre;

Variable of(Type type) {
  return {.name = "X", .type = type};
}

TEST(Variables, HaveUniqueNamesHelpAndAGroup) {
  std::set<std::string> names;
  for (const Variable& each : variables()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_FALSE(each.help.empty()) << each.name;
    EXPECT_FALSE(each.group.empty()) << each.name;
  }
}

TEST(Variables, AcceptTheirOwnDefaults) {
  for (const Variable& each : variables()) {
    EXPECT_TRUE(each.default_value.empty() || accepts(each, each.default_value)) << each.name;
  }
}

TEST(Variables, AreOfTheContract) {
  std::vector<std::string> names;
  for (const Variable& each : variables()) names.push_back(each.name);
  EXPECT_THAT(
      names,
      ::testing::UnorderedElementsAre(
          "PORT", "BIND_ADDRESS", "LOG_LEVEL", "LOG_FORMAT", "NODES_STATUS_CHECK_INTERVAL_MS",
          "AUTHORIZE_NODES_COMMUNICATION_SCOPE", "P2P_CONNECTION_ENABLED",
          "WEBSOCKET_RELAY_ENABLED", "DUPLICATE_ID_PROBE_TIMEOUT_MS", "PING_INTERVAL_MS",
          "PING_TIMEOUT_MS", "MAX_PAYLOAD_BYTES", "HANDSHAKE_TIMEOUT_MS", "MAX_CONNECTIONS",
          "MAX_MEMORY_BYTES", "MAX_OUTBOX_BYTES", "MAX_PRESENCE_IDS", "MAX_PRESENCE_IDS_PER_SECOND",
          "MAX_NODE_ID_BYTES", "PLUGIN_TIMEOUT_MS", "WORKERS", "DRAIN_DURATION_MS", "PLUGINS_DIR",
          "METRICS_ENABLED", "REDIS_URL", "NODES_REGISTRY_PLUGIN",
          "RTC_CONFIGURATION_RESOLVER_PLUGIN", "NODES_AUTHENTICATION_PLUGIN",
          "AUTHORIZE_NODES_COMMUNICATION_PLUGIN", "NODES_VALIDITY_CHECK_PLUGIN",
          "ON_AUTHENTICATED_SOCKET_MSG_PLUGIN", "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL",
          "NODES_AUTHENTICATION_WEBHOOK_URL", "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL",
          "NODES_VALIDITY_CHECK_WEBHOOK_URL", "NODES_VALIDITY_CHECK_MAX_IDS",
          "ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL", "ALLOWED_ORIGINS",
          "MAX_CONNECTIONS_PER_ADDRESS", "CONNECTION_RATE_PER_ADDRESS", "MAX_HANDSHAKES",
          "AUTHORIZE_PRESENCE", "MAX_CONNECTION_AGE_MS", "MESSAGE_RATE_PER_NODE",
          "MESSAGE_BURST_PER_NODE", "TRUSTED_PROXIES", "CLIENT_ADDRESS_HEADER", "PROXY_PROTOCOL",
          "PLAIN_PORT", "TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_MIN_VERSION", "TLS_CLIENT_CA_FILE",
          "TLS_RECORD_LAYER", "NEGOTIATION_INSIGHT", "ADMIN_PORT", "ADMIN_BIND_ADDRESS",
          "ADMIN_TOKEN", "ADMIN_MAX_STREAMS", "ADMIN_METRICS_OPEN"));
}

TEST(Variable, OfTypeUintTakesDecimalNumbersWithinItsBounds) {
  const Variable port{.name = "X", .type = Type::uint, .min = 1, .max = 65535};
  for (const char* good : {"1", "65535", "0080"}) EXPECT_TRUE(accepts(port, good)) << good;
  for (const char* bad : {"", "0", "65536", "-1", "+1", "1 ", " 1", "1.0", "1e3", "0x10", "eight",
                          "99999999999999999999999"})
    EXPECT_FALSE(accepts(port, bad)) << bad;
}

TEST(Variable, OfTypeBooleanTakesExactlyTrueAndFalse) {
  EXPECT_TRUE(accepts(of(Type::boolean), "true"));
  EXPECT_TRUE(accepts(of(Type::boolean), "false"));
  for (const char* bad : {"", "True", "1", "yes", "true "})
    EXPECT_FALSE(accepts(of(Type::boolean), bad)) << bad;
}

TEST(Variable, OfTypeAddressTakesAddressesInDigits) {
  for (const char* good : {"127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1"})
    EXPECT_TRUE(accepts(of(Type::address), good)) << good;
  for (const char* bad : {"", "localhost", "127.0.0", "256.0.0.1", "[::1]", "::1:8080:x"})
    EXPECT_FALSE(accepts(of(Type::address), bad)) << bad;
}

TEST(Variable, OfTypeAddressSetTakesAddressesAndRanges) {
  for (const char* good : {"192.0.2.7", "10.0.0.0/8, ::1", "::ffff:10.0.0.0/104 2001:db8::/32"})
    EXPECT_TRUE(accepts(of(Type::address_set), good)) << good;
  for (const char* bad : {"localhost", "10.0.0.1/8", "10.0.0.0/8;::1", "10.0.0.1:80"})
    EXPECT_FALSE(accepts(of(Type::address_set), bad)) << bad;
}

TEST(Variable, OfTypeChoiceTakesOnlyItsChoices) {
  const Variable format{.name = "X", .type = Type::choice, .choices = {"text", "json"}};
  EXPECT_TRUE(accepts(format, "json"));
  EXPECT_FALSE(accepts(format, "xml"));
  EXPECT_FALSE(accepts(format, "JSON"));
}

TEST(Variable, OfTypeUrlTakesUrls) {
  EXPECT_TRUE(accepts(of(Type::url), "https://example.org/hook"));
  EXPECT_FALSE(accepts(of(Type::url), "example.org/hook"));
}

TEST(Variable, OfTypeOriginsTakesAListOfOrigins) {
  EXPECT_TRUE(accepts(of(Type::origins), "https://a.example, https://*.b.example"));
  EXPECT_FALSE(accepts(of(Type::origins), "https://a.example, b.example"));
}

TEST(Variable, SaysWhatItAllows) {
  EXPECT_EQ(allowed({.name = "X", .type = Type::uint, .min = 1, .max = 9}),
            "a whole number from 1 to 9");
  EXPECT_EQ(allowed({.name = "X", .type = Type::uint}), "a whole number from 0");
  EXPECT_EQ(allowed({.name = "X", .type = Type::choice, .choices = {"a", "b", "c"}}), "a, b or c");
  EXPECT_EQ(allowed(of(Type::boolean)), "true or false");
}

TEST(Variable, IsShownWithoutSecrets) {
  Variable url = of(Type::url);
  EXPECT_EQ(shown(url, "https://u:p@h/x"), "https://***@h/x");
  url.secrecy = Secrecy::secret;
  EXPECT_EQ(shown(url, "https://u:p@h/x"), "***");
  EXPECT_EQ(shown(of(Type::string), "bob"), "bob");
  EXPECT_EQ(shown(of(Type::string), "-----BEGIN PRIVATE KEY-----\\nMIGH"), "***");
}

TEST(PluginVariable, IsDescribedByThePluginsTable) {
  const crolang_env declared{"TOKEN", CROLANG_UINT, CROLANG_REQUIRED | CROLANG_SECRET, "7",
                             "a token"};
  const Variable made = from_plugin(declared, "org.example.token");
  EXPECT_EQ(made.name, "TOKEN");
  EXPECT_EQ(made.type, Type::uint);
  EXPECT_EQ(made.default_value, "7");
  EXPECT_EQ(made.help, "a token");
  EXPECT_EQ(made.presence, Presence::required);
  EXPECT_EQ(made.secrecy, Secrecy::secret);
  EXPECT_EQ(made.group, "org.example.token");
}

TEST(PluginVariable, TakesWholeSixtyFourBits) {
  const crolang_env declared{"N", CROLANG_UINT, 0, nullptr, nullptr};
  EXPECT_TRUE(accepts(from_plugin(declared, "p"), "18446744073709551615"));
  EXPECT_FALSE(accepts(from_plugin(declared, "p"), "18446744073709551616"));
}

TEST(PluginVariable, HasTheTypeDeclared) {
  const auto type = [](std::uint32_t declared) {
    return from_plugin({"N", declared, 0, nullptr, nullptr}, "p").type;
  };
  EXPECT_EQ(type(CROLANG_STRING), Type::string);
  EXPECT_EQ(type(CROLANG_URL), Type::url);
  EXPECT_EQ(type(CROLANG_BOOL), Type::boolean);
}

TEST(Merged, AppendsWhatTheHostDoesNotKnow) {
  const std::vector<Variable> others{{.name = "A", .group = "p"}, {.name = "B", .group = "q"}};
  const auto all = merged(others);
  ASSERT_EQ(all.size(), variables().size() + 2);
  EXPECT_EQ(all[all.size() - 2].name, "A");
  EXPECT_EQ(all.back().name, "B");
}

TEST(Merged, HasEachNameOnceRequiredAndSecretIfOneOfThemIs) {
  const std::vector<Variable> others{
      {.name = "A", .help = "first"},
      {.name = "A", .help = "second", .presence = Presence::required, .secrecy = Secrecy::secret}};
  const auto all = merged(others);
  ASSERT_EQ(all.size(), variables().size() + 1);
  EXPECT_EQ(all.back().help, "first");
  EXPECT_EQ(all.back().presence, Presence::required);
  EXPECT_EQ(all.back().secrecy, Secrecy::secret);
}

}  // namespace
}  // namespace crolang::config
