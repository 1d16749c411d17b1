#include "plugin_host/bundled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crolang::plugin_host {
namespace {

using ::testing::Contains;

TEST(Bundled, IncludeThePluginOfEachSetting) {
  std::vector<std::string> names;
  for (const Bundled& plugin : bundled_plugins()) names.emplace_back(plugin.name);
  for (const kinds::Description& kind : kinds::kAll) {
    if (kind.setting.name.empty()) continue;
    EXPECT_THAT(names, Contains(std::string(kind.setting.bundled)));
  }
}

TEST(Bundled, AreLoadedByTheirSettingOrByName) {
  std::vector<std::string> settings;
  for (const Bundled& plugin : bundled_plugins()) settings.push_back(loaded_by(plugin));
  EXPECT_THAT(settings, Contains("REDIS_URL"));
  EXPECT_THAT(settings, Contains("NODES_AUTHENTICATION_WEBHOOK_URL"));
  EXPECT_THAT(settings, Contains("NODES_AUTHENTICATION_PLUGIN=jwt-auth"));
  EXPECT_THAT(settings, Contains("RTC_CONFIGURATION_RESOLVER_PLUGIN=turn-credentials"));
}

}  // namespace
}  // namespace crolang::plugin_host
