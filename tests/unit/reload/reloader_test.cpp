#include "reload/reloader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "support/manual_executors.hpp"
#include "telemetry/log.hpp"
#include "unit/reload/certificate_files.hpp"

namespace crolang::reload {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What the plugin saw when it was told to reload.
std::vector<std::string> g_seen;
const crolang_host* g_host = nullptr;

std::string value_of(bool (*env)(void*, const char*, crolang_str*), void* ctx, const char* name) {
  crolang_str value{};
  return env(ctx, name, &value) ? std::string(value.data, value.size) : "(none)";
}

void authorize(void*, crolang_str, crolang_str, std::uint32_t, crolang_yes_no_fn, void*) {}
constexpr crolang_authorization kAuthorization{sizeof(crolang_authorization), &authorize};
constexpr crolang_module kModules[] = {{CROLANG_AUTHORIZATION, &kAuthorization}};
constexpr crolang_env kEnv[] = {
    {"SECRET", CROLANG_STRING, CROLANG_SECRET | CROLANG_RELOADABLE, nullptr, ""},
    {"FIXED", CROLANG_STRING, 0, "default", ""},
};

crolang_plugin make_plugin() {
  crolang_plugin plugin{};
  plugin.magic = CROLANG_MAGIC;
  plugin.abi_major = CROLANG_ABI_MAJOR;
  plugin.size = sizeof plugin;
  plugin.id = "org.example.test";
  plugin.version = "1";
  plugin.description = "a test";
  plugin.env = kEnv;
  plugin.env_count = std::size(kEnv);
  plugin.modules = kModules;
  plugin.module_count = std::size(kModules);
  plugin.create = [](const crolang_host* host, void** self, char*, std::size_t) {
    g_host = host;
    *self = &g_seen;
    return crolang_status{CROLANG_OK};
  };
  plugin.stop = [](void*, void (*stopped)(void*), void* call) { stopped(call); };
  plugin.destroy = [](void*) {};
  plugin.check = [](const crolang_check* to) {
    if (value_of(to->env, to->ctx, "SECRET") == "bad") to->fault(to->ctx, {"SECRET: is bad", 14});
    if (value_of(to->env, to->ctx, "SECRET") == "odd") to->warning(to->ctx, {"SECRET: odd", 11});
  };
  plugin.reload = [](void*) {
    g_seen.push_back(value_of(g_host->env, g_host->ctx, "SECRET") + " " +
                     value_of(g_host->env, g_host->ctx, "FIXED"));
  };
  return plugin;
}

class Reloading : public ::testing::Test {
 protected:
  Reloading() { g_seen.clear(); }
  ~Reloading() override {
    if (plugins_) {
      plugins_->stop([](auto) {});
      control_.run();
      plugins_->destroy();
    }
    telemetry::log::set_level(telemetry::log::Level::essentials);
  }

  config::Environment environment() const {
    config::Environment environment;
    for (const auto& [name, text] : variables_) environment.entries[name] = {.text = text};
    return environment;
  }

  /// The broker has started with `variables_`.
  void start() {
    plugins_.emplace(
        std::vector<plugin_host::Choice>{{kinds::Kind::authorization, "/x.so", "VARIABLE"}},
        [this](const std::filesystem::path& file) {
          return plugin_host::Opened(plugin_host::Plugin{file, &plugin_});
        });
    config::Values values(environment(), config::merged(variables_of(*plugins_)));
    const plugin_host::Services services{control_, pool_, lookup_in(values),
                                         [](std::int32_t, std::string_view, std::string_view) {}};
    ASSERT_THAT(plugins_->create(services), IsEmpty());
    reloader_.emplace(
        [this] { return environment(); }, std::move(values), *plugins_,
        std::vector<config::BundledVariable>{{.name = "LOG_LEVELS", .loaded_by = {"X"}}});
  }

  std::map<std::string, std::string> variables_{{"SECRET", "one"}};
  crolang_plugin plugin_ = make_plugin();
  test::ManualControl control_;
  test::ManualPool pool_;
  std::optional<plugin_host::ModuleSet> plugins_;
  std::optional<Reloader> reloader_;
};

TEST_F(Reloading, TakesOverWhatThePluginCanTakeOver) {
  start();
  variables_["SECRET"] = "two";
  const Outcome outcome = reloader_->reload();
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_THAT(outcome.taken_over, ElementsAre("SECRET"));
  EXPECT_THAT(outcome.need_restart, IsEmpty());
  EXPECT_THAT(g_seen, ElementsAre("two default"));
}

TEST_F(Reloading, TellsPluginsThoughNothingHasChangedSinceTheirFilesMayHave) {
  start();
  EXPECT_THAT(reloader_->reload().taken_over, IsEmpty());
  EXPECT_THAT(g_seen, ElementsAre("one default"));
}

TEST_F(Reloading, NamesWhatNeedsARestartUntilItIsAsBefore) {
  start();
  variables_["FIXED"] = "other";
  variables_["PORT"] = "9000";
  EXPECT_THAT(reloader_->reload().need_restart, ElementsAre("PORT", "FIXED"));
  EXPECT_THAT(reloader_->reload().need_restart, ElementsAre("PORT", "FIXED"));
  EXPECT_THAT(g_seen, ElementsAre("one default", "one default"));
  variables_.erase("PORT");
  EXPECT_THAT(reloader_->reload().need_restart, ElementsAre("FIXED"));
}

TEST_F(Reloading, NamesWhatHasBeenTakenOverOnce) {
  start();
  variables_["SECRET"] = "two";
  EXPECT_THAT(reloader_->reload().taken_over, ElementsAre("SECRET"));
  EXPECT_THAT(reloader_->reload().taken_over, IsEmpty());
}

TEST_F(Reloading, LeavesEverythingAsItWasIfAPluginFindsAFault) {
  start();
  variables_["SECRET"] = "bad";
  variables_["LOG_LEVEL"] = "2";
  const Outcome outcome = reloader_->reload();
  EXPECT_THAT(outcome.faults, ElementsAre("SECRET: is bad"));
  EXPECT_THAT(outcome.taken_over, IsEmpty());
  EXPECT_THAT(g_seen, IsEmpty());
  EXPECT_EQ(value_of(g_host->env, g_host->ctx, "SECRET"), "one");
  EXPECT_FALSE(telemetry::log::enabled(telemetry::log::Level::connections));
}

TEST_F(Reloading, NamesAllFaultsTheHostsAndThePlugins) {
  start();
  variables_["SECRET"] = "bad";
  variables_["LOG_LEVEL"] = "x";
  EXPECT_THAT(reloader_->reload().faults, ElementsAre(HasSubstr("LOG_LEVEL"), "SECRET: is bad"));
}

TEST_F(Reloading, TakesOverTheTokenOfTheAdminInterface) {
  variables_["ADMIN_PORT"] = "9090";
  variables_["ADMIN_TOKEN"] = "a-token-of-some-length";
  start();
  variables_["ADMIN_TOKEN"] = "another-token-of-some-length";
  EXPECT_THAT(reloader_->reload().taken_over, ElementsAre("ADMIN_TOKEN"));
  EXPECT_EQ(reloader_->in_use().find("ADMIN_TOKEN"), "another-token-of-some-length");
  variables_["ADMIN_TOKEN"] = "short";
  EXPECT_THAT(reloader_->reload().faults, ElementsAre(HasSubstr("fewer than 16 characters")));
  EXPECT_EQ(reloader_->in_use().find("ADMIN_TOKEN"), "another-token-of-some-length");
}

TEST_F(Reloading, SetsTheLevelOfTheLog) {
  start();
  variables_["LOG_LEVEL"] = "2";
  EXPECT_THAT(reloader_->reload().taken_over, ElementsAre("LOG_LEVEL"));
  EXPECT_TRUE(telemetry::log::enabled(telemetry::log::Level::relays));
  variables_.erase("LOG_LEVEL");
  EXPECT_THAT(reloader_->reload().taken_over, ElementsAre("LOG_LEVEL"));
  EXPECT_FALSE(telemetry::log::enabled(telemetry::log::Level::connections));
}

TEST_F(Reloading, PassesOnWarnings) {
  start();
  variables_["SECRET"] = "odd";
  EXPECT_THAT(reloader_->reload().warnings, ElementsAre("SECRET: odd"));
}

TEST_F(Reloading, DoesNotReportAVariableOfAPluginThatIsNotLoadedAsMisspelt) {
  start();
  variables_["LOG_LEVELS"] = "1";
  EXPECT_THAT(reloader_->reload().warnings,
              ElementsAre(HasSubstr("LOG_LEVELS has no effect, since no plugin that reads it")));
}

TEST_F(Reloading, NeedsARestartForAPluginThatCannotReload) {
  plugin_.reload = nullptr;
  start();
  variables_["SECRET"] = "two";
  const Outcome outcome = reloader_->reload();
  EXPECT_THAT(outcome.taken_over, IsEmpty());
  EXPECT_THAT(outcome.need_restart, ElementsAre("SECRET"));
  EXPECT_EQ(value_of(g_host->env, g_host->ctx, "SECRET"), "one");
}

class ReloadingCertificates : public Reloading {
 protected:
  ReloadingCertificates() {
    certificates_.use(certificates_.read(std::chrono::system_clock::now()));
  }

  test::CertificateFiles files_;
  Certificates certificates_{files_.names(), std::chrono::steady_clock::now()};
  telemetry::SharedCounters counters_;
  CertificateRenewal renewal_{certificates_, control_, counters_};
};

TEST_F(ReloadingCertificates, ReadsThemThoughNoVariableHasChanged) {
  start();
  files_.renew("new");
  EXPECT_THAT(reloader_->reload(&renewal_).faults, IsEmpty());
  EXPECT_EQ(certificates_.subjects(), "CN=new");
}

TEST_F(ReloadingCertificates, ChangesNothingIfTheyCannotBeUsed) {
  start();
  variables_["SECRET"] = "two";
  files_.mismatch();
  EXPECT_THAT(reloader_->reload(&renewal_).faults, ElementsAre(HasSubstr("is not the key of")));
  EXPECT_EQ(certificates_.subjects(), "CN=old");
  EXPECT_THAT(g_seen, IsEmpty());
  EXPECT_EQ(counters_.value(telemetry::Counter::certificates_not_renewed), 1U);
}

TEST_F(ReloadingCertificates, KeepsThemIfAVariableIsInvalid) {
  start();
  variables_["SECRET"] = "bad";
  files_.renew("new");
  EXPECT_THAT(reloader_->reload(&renewal_).faults, ElementsAre("SECRET: is bad"));
  EXPECT_EQ(certificates_.subjects(), "CN=old");
}

TEST_F(ReloadingCertificates, PassesOnTheirWarnings) {
  start();
  files_.renew("new", std::chrono::system_clock::now() + std::chrono::hours(24));
  EXPECT_THAT(reloader_->reload(&renewal_).warnings, ElementsAre(HasSubstr("expires on")));
}

TEST_F(Reloading, NeedsARestartForOtherCertificateFiles) {
  start();
  variables_["TLS_CERT_FILE"] = "a.pem";
  variables_["TLS_KEY_FILE"] = "a.key";
  EXPECT_THAT(reloader_->reload().need_restart, ElementsAre("TLS_CERT_FILE", "TLS_KEY_FILE"));
}

}  // namespace
}  // namespace crolang::reload
