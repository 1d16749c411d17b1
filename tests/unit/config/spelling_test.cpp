#include "config/spelling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.hpp"

namespace crolang::config {
namespace {

using test::environment;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The host's variables and those of the bundled plugins.
std::vector<Variable> all_known() {
  std::vector<Variable> known = variables();
  for (const char* name : {"REDIS_LOCK_TTL_MS",
                           "REDIS_KEY_PREFIX",
                           "WEBHOOK_TIMEOUT_MS",
                           "WEBHOOK_MAX_CONCURRENCY",
                           "WEBHOOK_MAX_REPLY_BYTES",
                           "WEBHOOK_CA_FILE",
                           "NODES_AUTHENTICATION_WEBHOOK_DATA",
                           "AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS",
                           "TURN_URLS",
                           "STUN_URLS",
                           "TURN_CREDENTIAL_TTL_S",
                           "TURN_USERNAME",
                           "ICE_TRANSPORT_POLICY",
                           "JWT_PUBLIC_KEY_FILE",
                           "JWT_JWKS_FILE",
                           "JWT_ISSUER",
                           "JWT_AUDIENCE",
                           "JWT_NODE_ID_CLAIM",
                           "JWT_LEEWAY_S",
                           "JWT_REQUIRE_EXP"})
    known.push_back({.name = name});
  for (const char* name : {"WEBHOOK_SIGNING_SECRET", "TURN_SHARED_SECRET", "JWT_SECRET"})
    known.push_back({.name = name, .secrecy = Secrecy::secret});
  return known;
}

const std::vector<Variable> kKnown = all_known();

/// The names, with " or " between them.
std::string meant(std::string_view name) {
  std::string text;
  for (const std::string& each : meant_by(name, kKnown).names)
    text += (text.empty() ? "" : " or ") + each;
  return text;
}

TEST(Spelling, FindsTheNameThatWasMeant) {
  EXPECT_EQ(meant("PING_INTERVALL_MS"), "PING_INTERVAL_MS");
  EXPECT_EQ(meant("PING_INTREVAL_MS"), "PING_INTERVAL_MS");
  EXPECT_EQ(meant("MAX_PAYLOAD_BYTE"), "MAX_PAYLOAD_BYTES");
  EXPECT_EQ(meant("REDIS_URI"), "REDIS_URL");
  EXPECT_EQ(meant("WORKER"), "WORKERS");
  EXPECT_EQ(meant("NODE_AUTHENTICATION_WEBHOOK_URL"), "NODES_AUTHENTICATION_WEBHOOK_URL");
  EXPECT_EQ(meant("NODES_AUTHENTICATION_WEBHOOK_URLS"), "NODES_AUTHENTICATION_WEBHOOK_URL");
  EXPECT_EQ(meant("TURN_URL"), "TURN_URLS");
  EXPECT_EQ(meant("NDOES_AUTHENTICATION_PLUGIN"), "NODES_AUTHENTICATION_PLUGIN");
  EXPECT_EQ(meant("NODES_AUTHENTICATION_HOOK_URL"), "NODES_AUTHENTICATION_WEBHOOK_URL");
}

TEST(Spelling, FindsANameThatIsWrittenInAnotherWay) {
  EXPECT_EQ(meant("redis_url"), "REDIS_URL");
  EXPECT_EQ(meant("redis-url"), "REDIS_URL");
  EXPECT_EQ(meant("redis.url"), "REDIS_URL");
  EXPECT_EQ(meant("REDISURL"), "REDIS_URL");
  EXPECT_EQ(meant("port"), "PORT");
  EXPECT_EQ(meant("LOGLEVEL"), "LOG_LEVEL");
}

TEST(Spelling, FindsANameOfWhichWordsAreMissing) {
  const std::pair<const char*, const char*> slips[]{
      {"MAX_OUTBOX", "MAX_OUTBOX_BYTES"},
      {"MAX_PAYLOAD", "MAX_PAYLOAD_BYTES"},
      {"PING_INTERVAL", "PING_INTERVAL_MS"},
      {"PING_TIMEOUT", "PING_TIMEOUT_MS"},
      {"METRICS", "METRICS_ENABLED"},
      {"TURN_SECRET", "TURN_SHARED_SECRET"},
      {"TURN_SECRET_FILE", "TURN_SHARED_SECRET_FILE"},
      {"WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET"},
      {"WEBHOOK_TIMEOUT", "WEBHOOK_TIMEOUT_MS"},
      {"WEBHOOK_URL", "NODES_AUTHENTICATION_WEBHOOK_URL"},
      {"AUTH_WEBHOOK_URL", "NODES_AUTHENTICATION_WEBHOOK_URL"},
      {"AUTHENTICATION_WEBHOOK_URL", "NODES_AUTHENTICATION_WEBHOOK_URL"},
      {"NODES_AUTH_WEBHOOK_URL", "NODES_AUTHENTICATION_WEBHOOK_URL"},
      {"NODES_AUTHENTICATION_URL", "NODES_AUTHENTICATION_WEBHOOK_URL"},
      {"NODES_AUTH_PLUGIN", "NODES_AUTHENTICATION_PLUGIN"},
      {"AUTHENTICATION_PLUGIN", "NODES_AUTHENTICATION_PLUGIN"},
      {"REGISTRY_PLUGIN", "NODES_REGISTRY_PLUGIN"},
      {"RTC_CONFIG_WEBHOOK_URL", "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL"},
      {"RTC_WEBHOOK_URL", "RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL"},
      {"AUTHORIZE_WEBHOOK_URL", "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL"},
      {"AUTHORIZATION_WEBHOOK_URL", "AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL"},
      {"VALIDITY_WEBHOOK_URL", "NODES_VALIDITY_CHECK_WEBHOOK_URL"},
      {"REDIS_PREFIX", "REDIS_KEY_PREFIX"},
      {"REDIS_TTL", "REDIS_LOCK_TTL_MS"},
      {"REDIS_TTL_MS", "REDIS_LOCK_TTL_MS"},
      {"REDIS", "REDIS_URL"},
      {"BIND", "BIND_ADDRESS"},
      {"BIND_ADDR", "BIND_ADDRESS"},
      {"MAX_CONN", "MAX_CONNECTIONS"},
      {"JWT_PUBLIC_KEY", "JWT_PUBLIC_KEY_FILE"},
      {"JWT_KEY_FILE", "JWT_PUBLIC_KEY_FILE"},
      {"JWT_ISS", "JWT_ISSUER"},
      {"WEBHOOK_CA", "WEBHOOK_CA_FILE"},
      {"P2P_ENABLED", "P2P_CONNECTION_ENABLED"},
      {"RELAY_ENABLED", "WEBSOCKET_RELAY_ENABLED"},
  };
  for (const auto& [name, known] : slips) EXPECT_EQ(meant(name), known) << name;
}

TEST(Spelling, FindsANameWithAWordTooManyOrAnother) {
  const std::pair<const char*, const char*> slips[]{
      {"REDIS_HOST", "REDIS_URL"},
      {"REDIS_ADDRESS", "REDIS_URL"},
      {"TURN_SERVERS", "TURN_URLS"},
      {"STUN_SERVER", "STUN_URLS"},
      {"TURN_PASSWORD", "TURN_SHARED_SECRET"},
      {"JWT_KEY", "JWT_SECRET"},
      {"JWT_SECRET_KEY", "JWT_SECRET"},
      {"MAX_PAYLOAD_SIZE", "MAX_PAYLOAD_BYTES"},
      {"MAX_OUTBOX_SIZE", "MAX_OUTBOX_BYTES"},
      {"MAX_CLIENTS", "MAX_CONNECTIONS"},
      {"PING_INTERVAL_SECONDS", "PING_INTERVAL_MS"},
      {"DRAIN_TIMEOUT_MS", "DRAIN_DURATION_MS"},
      {"DRAIN_TIMEOUT", "DRAIN_DURATION_MS"},
      {"PLUGINS_PATH", "PLUGINS_DIR"},
      {"BIND_HOST", "BIND_ADDRESS"},
      {"WORKERS_COUNT", "WORKERS"},
      {"CROLANG_PORT", "PORT"},
      {"CROLANG_BROKER_PORT", "PORT"},
      {"BROKER_LOG_LEVEL", "LOG_LEVEL"},
      {"LISTEN_PORT", "PORT"},
  };
  for (const auto& [name, known] : slips) EXPECT_EQ(meant(name), known) << name;
}

TEST(Spelling, NamesAllThatAreEquallyNear) {
  EXPECT_EQ(meant("MAX_PRESENCE"), "MAX_PRESENCE_IDS");
  EXPECT_EQ(meant("TURN"), "TURN_URLS or TURN_USERNAME");
}

TEST(Spelling, LeavesKnownNamesAlone) {
  for (const Variable& each : kKnown) {
    EXPECT_EQ(meant(each.name), "") << each.name;
    if (each.secrecy == Secrecy::secret) {
      EXPECT_EQ(meant(each.name + "_FILE"), "");
    }
  }
}

// What shells, systemd, containers, languages, CI and hosts of applications set.
TEST(Spelling, LeavesNamesOfTheSystemAlone) {
  for (const char* name :
       {"PATH", "HOME", "HOSTNAME", "HOST", "HOSTTYPE", "USER", "USERNAME", "PWD", "OLDPWD",
        "SHELL", "SHLVL", "TERM", "TERM_PROGRAM", "COLORTERM", "LANG", "LANGUAGE", "LC_ALL",
        "LC_CTYPE", "LOGNAME", "MAIL", "MAILTO", "EDITOR", "VISUAL", "PAGER", "DISPLAY", "TMPDIR",
        "TMP", "TEMP", "TZ", "XDG_RUNTIME_DIR", "XDG_SESSION_ID", "SSH_AUTH_SOCK", "SSH_CONNECTION",
        "SSH_CLIENT", "SUDO_USER", "LS_COLORS", "DEBIAN_FRONTEND", "PS1", "IFS", "LD_LIBRARY_PATH",
        "LD_PRELOAD", "MALLOC_ARENA_MAX", "http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE",
        // systemd
        "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "MAINPID", "MANAGERPID",
        "SYSTEMD_EXEC_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "CREDENTIALS_DIRECTORY",
        "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOGS_DIRECTORY", "CACHE_DIRECTORY",
        "CONFIGURATION_DIRECTORY", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE",
        "WATCHDOG_USEC", "SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS", "PIDFILE",
        // Node.js, npm, Java, Python, Rust, Go
        "NODE_ENV", "NODE_PATH", "NODE_OPTIONS", "NODE_VERSION", "NODE_EXTRA_CA_CERTS",
        "NODE_TLS_REJECT_UNAUTHORIZED", "NODE_AUTH_TOKEN", "NODE_NAME", "NODE_IP", "NODE_ID",
        "NODE_HOST", "NODE_PORT", "NODE_INDEX", "NODE_CHANNEL_FD", "NODE_TEST_CONTEXT",
        "npm_config_cache", "npm_package_name", "npm_package_version", "npm_lifecycle_event",
        "NPM_TOKEN", "YARN_VERSION", "NVM_DIR", "JAVA_HOME", "JAVA_OPTS", "JAVA_TOOL_OPTIONS",
        "MAVEN_OPTS", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "RUST_LOG", "RUST_BACKTRACE",
        "CARGO_HOME", "GOPATH", "GOMAXPROCS", "GOMEMLIMIT", "UV_THREADPOOL_SIZE",
        // CI and hosts of applications
        "CI", "CI_NODE_INDEX", "CI_NODE_TOTAL", "CI_REGISTRY", "CI_REGISTRY_PASSWORD",
        "GITHUB_TOKEN", "GITHUB_ACTIONS", "RUNNER_OS", "RUNNER_TEMP", "BUILD_NUMBER", "JENKINS_URL",
        "DYNO", "WEB_CONCURRENCY", "DATABASE_URL", "SECRET_KEY", "SECRET_KEY_BASE", "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY", "FLY_REGION", "RENDER_SERVICE_NAME", "RAILWAY_ENVIRONMENT",
        "WEBSITE_HOSTNAME", "SLACK_WEBHOOK_URL", "DOCKER_HOST", "DOCKER_BUILDKIT",
        "COMPOSE_PROJECT_NAME", "POD_NAME", "POD_IP", "POD_NAMESPACE", "container",
        "KUBERNETES_SERVICE_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_VERSION", "PORTAGE",
        "POSTGRES_PASSWORD", "LOG_DIR", "LOG_FILE", "MAX_HEAP_SIZE", "MAX_OLD_SPACE", "_", "", "__",
        "P", "A_B_C_D_E_F"})
    EXPECT_EQ(meant(name), "") << name;
}

TEST(Spelling, LeavesNamesAloneThatAreThreeEditsAway) {
  EXPECT_EQ(meant("PONG_INTERVALL_MSX"), "");
  EXPECT_EQ(meant("ROPT"), "");
}

TEST(Misspelt, WarnsOfEachName) {
  const Environment given = environment(
      {{"PING_INTERVALL_MS", "1"}, {"WORKER", "2"}, {"PATH", "/bin"}, {"PORT", "8080"}});
  EXPECT_THAT(
      misspelt(given, kKnown),
      ElementsAre(
          "PING_INTERVALL_MS is not a variable of this broker: did you mean PING_INTERVAL_MS?",
          "WORKER is not a variable of this broker: did you mean WORKERS?"));
}

TEST(Misspelt, TellsOfAPartOnlyIfTheNameItselfIsNotSet) {
  EXPECT_THAT(misspelt(environment({{"METRICS", "1"}, {"METRICS_ENABLED", "true"}}), kKnown),
              IsEmpty());
  EXPECT_THAT(misspelt(environment({{"REDIS_HOST", "h"}, {"REDIS_URL_FILE", "/x"}}), kKnown),
              IsEmpty());
  EXPECT_THAT(misspelt(environment({{"METRICS", "1"}, {"METRICS_ENABLED", ""}}), kKnown),
              ElementsAre(::testing::HasSubstr("METRICS_ENABLED?")));
}

TEST(Misspelt, TellsOfTheFileOfWhatIsNoSecret) {
  EXPECT_THAT(
      misspelt(environment({{"NODES_AUTHENTICATION_WEBHOOK_URL_FILE", "/x"}}), kKnown),
      ElementsAre("NODES_AUTHENTICATION_WEBHOOK_URL_FILE is not read, since only secrets may be "
                  "given as files: set NODES_AUTHENTICATION_WEBHOOK_URL"));
  EXPECT_THAT(misspelt(environment({{"JWT_SECRET_FILE", "/x"}, {"WEBHOOK_CA_FILE", "/x"}}), kKnown),
              IsEmpty());
}

// A Service may have any name, also one that begins like a variable of ours.
TEST(Misspelt, LeavesTheSystemsVariablesAloneThatAreNearlyCalledLikeAPlugins) {
  const std::vector<Variable> known{{.name = "TEAM"}, {.name = "HOMES"}, {.name = "LC_ALLS"}};
  EXPECT_THAT(misspelt(environment({{"TERM", "xterm"}, {"HOME", "/root"}, {"LC_ALL", "C"}}), known),
              IsEmpty());
  EXPECT_THAT(misspelt(environment({{"TEEM", "red"}}), known),
              ElementsAre("TEEM is not a variable of this broker: did you mean TEAM?"));
}

TEST(Misspelt, LeavesAloneWhatKubernetesSetsForServices) {
  for (const std::string service :
       {"CROLANG_BROKER", "BROKER", "CROLANG", "REDIS", "TURN", "STUN", "JWT_AUTH", "WORKERS",
        "WORKER", "METRICS", "PORT", "PING_INTERVAL", "LOG_LEVEL", "MAX_OUTBOX", "WEBHOOK", "BIND",
        "NODES_AUTHENTICATION", "REDIS_URL", "LISTEN"}) {
    const Environment given = environment({
        {service + "_SERVICE_HOST", "10.96.0.7"},
        {service + "_SERVICE_PORT", "8080"},
        {service + "_SERVICE_PORT_HTTP", "8080"},
        {service + "_PORT", "tcp://10.96.0.7:8080"},
        {service + "_PORT_8080_TCP", "tcp://10.96.0.7:8080"},
        {service + "_PORT_8080_TCP_PROTO", "tcp"},
        {service + "_PORT_8080_TCP_PORT", "8080"},
        {service + "_PORT_8080_TCP_ADDR", "10.96.0.7"},
        {service + "_PORT_3478_UDP", "udp://10.96.0.7:3478"},
        {service + "_PORT_3478_UDP_ADDR", "10.96.0.7"},
        {service + "_NAME", "/broker/" + service},
        {service + "_ENV_REDIS_URL", "x"},
    });
    EXPECT_THAT(misspelt(given, kKnown), IsEmpty()) << service;
  }
}

TEST(Misspelt, KnowsTheVariablesOfPluginsToo) {
  const std::vector<Variable> known{{.name = "WEBHOOK_TIMEOUT_MS"}};
  EXPECT_THAT(misspelt(environment({{"WEBHOOK_TIMEOUT_MS", "1"}}), known), IsEmpty());
  EXPECT_THAT(meant_by("WEBHOOK_TIMEOUTS_MS", known).names, ElementsAre("WEBHOOK_TIMEOUT_MS"));
}

}  // namespace
}  // namespace crolang::config
