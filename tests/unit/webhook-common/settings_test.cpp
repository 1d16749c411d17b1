#include "webhook-common/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <crolang/testing/fake_host.hpp>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace crolang::webhook_common {
namespace {

namespace pt = plugin::testing;

constexpr crolang_env kOwn[] = {{"HOOK_URL", CROLANG_URL, CROLANG_REQUIRED, nullptr, "a hook"}};
constexpr auto kEnv = with_shared_variables(kOwn);

const crolang_plugin& plugin_with_variables() {
  static const crolang_plugin plugin = [] {
    crolang_plugin made{};
    made.env = kEnv.data();
    made.env_count = kEnv.size();
    return made;
  }();
  return plugin;
}

Settings read(pt::Env env) {
  env.try_emplace("HOOK_URL", "http://127.0.0.1/");
  const pt::FakeHost host(plugin_with_variables(), env);
  return read_settings(plugin::Host(host.table()), "HOOK_URL");
}

std::string refusal(const pt::Env& env) {
  try {
    read(env);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Settings, DeclareThePluginsOwnVariablesFirst) {
  ASSERT_EQ(kEnv.size(), 6u);
  EXPECT_STREQ(kEnv[0].name, "HOOK_URL");
  EXPECT_STREQ(kEnv[1].name, "WEBHOOK_TIMEOUT_MS");
}

TEST(Settings, HideTheSigningSecretOnly) {
  for (const crolang_env& variable : kEnv) {
    EXPECT_EQ((variable.flags & CROLANG_SECRET) != 0,
              std::string_view(variable.name) == "WEBHOOK_SIGNING_SECRET");
  }
}

TEST(Settings, TakeTheDeclaredDefaults) {
  const Settings settings = read({});
  EXPECT_EQ(settings.variable, "HOOK_URL");
  EXPECT_EQ(settings.timeout, std::chrono::milliseconds(5000));
  EXPECT_EQ(settings.max_connections, 32u);
  EXPECT_EQ(settings.max_reply_bytes, 1'048'576u);
  EXPECT_EQ(settings.ca_file, "");
  EXPECT_EQ(settings.signing_secrets, "");
}

TEST(Settings, TakeWhatIsSet) {
  const Settings settings = read({{"HOOK_URL", "https://example.org:444/hook"},
                                  {"WEBHOOK_TIMEOUT_MS", "10"},
                                  {"WEBHOOK_MAX_CONCURRENCY", "256"},
                                  {"WEBHOOK_MAX_REPLY_BYTES", "1"},
                                  {"WEBHOOK_CA_FILE", "/ca.pem"},
                                  {"WEBHOOK_SIGNING_SECRET", "whsec_x"}});
  EXPECT_EQ(settings.url.authority, "example.org:444");
  EXPECT_EQ(settings.timeout, std::chrono::milliseconds(10));
  EXPECT_EQ(settings.max_connections, 256u);
  EXPECT_EQ(settings.max_reply_bytes, 1u);
  EXPECT_EQ(settings.ca_file, "/ca.pem");
  EXPECT_EQ(settings.signing_secrets, "whsec_x");
}

TEST(Settings, RefuseNumbersOutOfRangeByNameAndValue) {
  EXPECT_EQ(refusal({{"WEBHOOK_MAX_CONCURRENCY", "0"}}),
            "WEBHOOK_MAX_CONCURRENCY=0: must be a whole number from 1 to 256");
  EXPECT_EQ(refusal({{"WEBHOOK_TIMEOUT_MS", "3600001"}}),
            "WEBHOOK_TIMEOUT_MS=3600001: must be a whole number from 10 to 3600000");
  EXPECT_EQ(refusal({{"WEBHOOK_TIMEOUT_MS", "18446744073709551617"}}),
            "WEBHOOK_TIMEOUT_MS=18446744073709551617: must be a whole number from 10 to 3600000");
  for (const char* text : {"", "x", "5s", "-5", "+5", " 5", "5.0"}) {
    EXPECT_EQ(refusal({{"WEBHOOK_MAX_REPLY_BYTES", text}}),
              "WEBHOOK_MAX_REPLY_BYTES=" + std::string(text) +
                  ": must be a whole number from 1 to 1073741824");
  }
}

std::vector<std::string> faults(const pt::Env& env) {
  crolang_plugin plugin = plugin_with_variables();
  plugin.size = sizeof plugin;
  plugin.check = [](const crolang_check* to) {
    check_settings(plugin::Variables(to->env, to->ctx), "HOOK_URL", plugin::Findings(to));
  };
  return pt::check_variables(plugin, env).faults;
}

TEST(CheckSettings, SaysOfEachVariableWhatReadingItSays) {
  const pt::Env env{{"HOOK_URL", "ftp://h/"},
                    {"WEBHOOK_TIMEOUT_MS", "1"},
                    {"WEBHOOK_MAX_CONCURRENCY", "0"},
                    {"WEBHOOK_MAX_REPLY_BYTES", "0"},
                    {"WEBHOOK_CA_FILE", "/no/such/file"},
                    {"WEBHOOK_SIGNING_SECRET", "abc"}};
  EXPECT_THAT(faults(env),
              ::testing::ElementsAre(
                  "HOOK_URL: the scheme 'ftp' is not supported; use http or https",
                  "WEBHOOK_TIMEOUT_MS=1: must be a whole number from 10 to 3600000",
                  "WEBHOOK_MAX_CONCURRENCY=0: must be a whole number from 1 to 256",
                  "WEBHOOK_MAX_REPLY_BYTES=0: must be a whole number from 1 to 1073741824",
                  "WEBHOOK_CA_FILE=/no/such/file: cannot be read: No such file or directory",
                  "WEBHOOK_SIGNING_SECRET: a secret decodes to 2 bytes, not to 24 to 64: "
                  "whsec_$(openssl rand -base64 32) is one"));
}

TEST(CheckSettings, OpensNothingThatMayBlock) {
  const auto faults_of = [](const std::string& file) {
    return faults({{"HOOK_URL", "https://127.0.0.1/"}, {"WEBHOOK_CA_FILE", file}});
  };
  ASSERT_THAT(faults_of("/dev/null"),
              ::testing::ElementsAre("WEBHOOK_CA_FILE=/dev/null: is not a file"));
  std::string folder = ::testing::TempDir() + "pipe-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string pipe = folder + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(faults_of(pipe),
              ::testing::ElementsAre("WEBHOOK_CA_FILE=" + pipe + ": is not a file"));
  std::filesystem::remove_all(folder);
}

TEST(CheckSettings, FindsNothingInDefaults) {
  EXPECT_THAT(faults({{"HOOK_URL", "https://127.0.0.1/"}}), ::testing::IsEmpty());
}

}  // namespace
}  // namespace crolang::webhook_common
