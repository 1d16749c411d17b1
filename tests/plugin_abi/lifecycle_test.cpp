// Real files from choice to destroy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "plugin_host/choices.hpp"
#include "plugin_host/module_set.hpp"
#include "support/manual_executors.hpp"

namespace crolang::plugin_host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Lifecycle : public ::testing::Test {
 protected:
  static Choice choice(const std::string& name) {
    return {kinds::Kind::authorization, std::string(FIXTURES_DIR "/") + name + ".so",
            "AUTHORIZE_NODES_COMMUNICATION_PLUGIN"};
  }

  Services services() {
    return {control_, pool_, [](std::string_view) { return std::nullopt; },
            [](std::int32_t, std::string_view, std::string_view) {}};
  }

  /// nullopt: not finished.
  std::optional<std::vector<std::string>> stop(ModuleSet& set) {
    set.stop([this](std::vector<ModuleSet::Straggler> stragglers) {
      ++finished_;
      stragglers_.emplace();
      for (const auto& straggler : stragglers) stragglers_->push_back(straggler.id);
    });
    control_.run();
    return stragglers_;
  }

  test::ManualControl control_;
  test::ManualPool pool_;
  std::optional<std::vector<std::string>> stragglers_;
  int finished_ = 0;
};

TEST_F(Lifecycle, RunsAHealthyPluginFromCreateToDestroy) {
  ModuleSet set({choice("healthy")});
  ASSERT_THAT(set.refusals(), IsEmpty());
  ASSERT_THAT(set.create(services()), IsEmpty());
  ASSERT_EQ(set.modules().size(), 1u);
  EXPECT_EQ(set.modules()[0].kind, kinds::Kind::authorization);
  EXPECT_NE(set.modules()[0].self, nullptr);
  EXPECT_THAT(stop(set), ::testing::Optional(IsEmpty()));
  set.destroy();
}

TEST_F(Lifecycle, SaysWhoAlreadyProvidesAKind) {
  const ModuleSet set({choice("healthy"), choice("healthy_too")});
  EXPECT_THAT(
      set.refusals(),
      ElementsAre(std::string(FIXTURES_DIR) +
                  "/healthy_too.so: authorization/1 is already provided by " + FIXTURES_DIR +
                  "/healthy.so (org.example.healthy 1.2); enable one of the two"));
}

TEST_F(Lifecycle, CollectsAllRefusals) {
  const ModuleSet set({choice("wrong_magic"), choice("short_table"), choice("healthy")});
  EXPECT_EQ(set.refusals().size(), 2u);
}

TEST_F(Lifecycle, PassesOnWhyAPluginCannotBeCreated) {
  ModuleSet set({choice("create_fails")});
  ASSERT_THAT(set.refusals(), IsEmpty());
  EXPECT_THAT(set.create(services()), ElementsAre(std::string(FIXTURES_DIR) +
                                                  "/create_fails.so: create: the sky is falling"));
  EXPECT_THAT(stop(set), ::testing::Optional(IsEmpty())) << "there is nothing to stop";
}

TEST_F(Lifecycle, NamesThePluginThatDoesNotStopInTime) {
  ModuleSet set({choice("never_stops")});
  ASSERT_THAT(set.create(services()), IsEmpty());
  EXPECT_EQ(stop(set), std::nullopt);
  control_.pass(std::chrono::milliseconds(4999));
  EXPECT_EQ(stragglers_, std::nullopt);
  control_.pass(std::chrono::seconds(5));
  EXPECT_THAT(stragglers_, ::testing::Optional(ElementsAre("org.example.never-stops")));
}

TEST_F(Lifecycle, SurvivesAPluginThatSaysTwiceThatItStopped) {
  ModuleSet set({choice("stops_twice")});
  ASSERT_THAT(set.create(services()), IsEmpty());
  EXPECT_THAT(stop(set), ::testing::Optional(IsEmpty()));
  control_.run();
  EXPECT_EQ(finished_, 1);
  EXPECT_EQ(control_.timers(), 0u);
}

}  // namespace
}  // namespace crolang::plugin_host
