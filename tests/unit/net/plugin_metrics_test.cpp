#include "net/plugin_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/captured_log.hpp"

namespace crolang::net {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kPlugin = "org.example.rules";

const crolang_metrics& table_of(PluginMetrics& metrics, const char* plugin = kPlugin) {
  return *static_cast<const crolang_metrics*>(metrics.find(plugin, CROLANG_METRICS));
}

TEST(PluginMetrics, AreFoundByTheirNameAndRevisionOnly) {
  PluginMetrics metrics;
  EXPECT_NE(metrics.find(kPlugin, CROLANG_METRICS), nullptr);
  EXPECT_EQ(metrics.find(kPlugin, CROLANG_METRICS), metrics.find(kPlugin, CROLANG_METRICS));
  EXPECT_NE(metrics.find(kPlugin, CROLANG_METRICS),
            metrics.find("org.example.other", CROLANG_METRICS));
  for (const char* name : {"metrics", "metrics/2", "metrics/10", ""}) {
    EXPECT_EQ(metrics.find(kPlugin, name), nullptr);
  }
}

TEST(PluginMetrics, AreShownAsThePluginSetsThem) {
  PluginMetrics metrics;
  const crolang_metrics& table = table_of(metrics);
  EXPECT_EQ(table.size, sizeof(crolang_metrics));
  crolang_metric* const asked =
      table.declare(table.ctx, CROLANG_COUNTER, "asked", "Questions", "outcome");
  crolang_metric* const open = table.declare(table.ctx, CROLANG_GAUGE, "open", "Open", nullptr);
  table.add(table.ctx, table.series(table.ctx, asked, {"yes", 3}), 2);
  table.set(table.ctx, table.series(table.ctx, open, {nullptr, 0}), 5);
  EXPECT_THAT(metrics.store().text(),
              AllOf(HasSubstr("crolang_rules_asked_total{outcome=\"yes\"} 2\n"),
                    HasSubstr("crolang_rules_open 5\n")));
  table.remove(table.ctx, table.series(table.ctx, asked, {"yes", 3}));
  table.remove(table.ctx, table.series(table.ctx, open, {nullptr, 0}));
  EXPECT_THAT(metrics.store().text(), IsEmpty());
}

TEST(PluginMetrics, ThatAreRefusedAreLoggedWithThePlugin) {
  support::CapturedLog captured(telemetry::log::Level::essentials);
  PluginMetrics metrics;
  const crolang_metrics& table = table_of(metrics);
  EXPECT_EQ(table.declare(table.ctx, CROLANG_GAUGE, "Open", "Open", nullptr), nullptr);
  EXPECT_EQ(table.declare(table.ctx, CROLANG_GAUGE, nullptr, nullptr, nullptr), nullptr);
  EXPECT_EQ(table.declare(table.ctx, 2, "open", "Open", nullptr), nullptr);
  crolang_metric* const open = table.declare(table.ctx, CROLANG_GAUGE, "open", "Open", nullptr);
  EXPECT_EQ(table.series(table.ctx, open, {"x", 1}), nullptr);
  EXPECT_EQ(metrics.find("org.example.broker", CROLANG_METRICS), nullptr);
  const auto refused = [](const char* plugin, const char* why) {
    return AllOf(HasSubstr("a metric of a plugin was refused"),
                 HasSubstr(std::string("plugin=") + plugin), HasSubstr(why));
  };
  EXPECT_THAT(captured.lines(),
              ElementsAre(AllOf(refused(kPlugin, "its name must be"), HasSubstr("metric=Open")),
                          refused(kPlugin, "its name must be"),
                          refused(kPlugin, "neither a counter nor a gauge"),
                          refused(kPlugin, "crolang_rules_open has no label"),
                          refused("org.example.broker", "the broker's own")));
}

TEST(PluginMetrics, IgnoreWhatWasRefused) {
  PluginMetrics metrics;
  const crolang_metrics& table = table_of(metrics);
  EXPECT_EQ(table.series(table.ctx, nullptr, {"x", 1}), nullptr);
  table.add(table.ctx, nullptr, 1);
  table.set(table.ctx, nullptr, 1);
  table.remove(table.ctx, nullptr);
  EXPECT_THAT(metrics.store().text(), IsEmpty());
}

}  // namespace
}  // namespace crolang::net
