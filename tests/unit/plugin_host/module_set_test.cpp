#include "plugin_host/module_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/manual_executors.hpp"

namespace crolang::plugin_host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

std::vector<std::string> g_events;

void authorize(void*, crolang_str, crolang_str, std::uint32_t, crolang_yes_no_fn, void*) {}
void on_message(void*, crolang_str, crolang_str, bool) {}
constexpr crolang_authorization kAuthorization{sizeof(crolang_authorization), &authorize};
constexpr crolang_observer kObserver{sizeof(crolang_observer), &on_message};
constexpr crolang_module kModules[] = {{CROLANG_AUTHORIZATION, &kAuthorization},
                                       {CROLANG_OBSERVER, &kObserver}};
constexpr crolang_env kEnv[] = {{"NEEDED", CROLANG_URL, CROLANG_REQUIRED, nullptr, "a test"}};

struct Stopping {
  void (*stopped)(void*);
  void* call;
};
std::optional<Stopping> g_stopping;

/// A plugin that notes what happens to it under the name `name[0]`, in as many copies as needed.
template <char name>
struct Noted {
  static std::string id() { return std::string(1, name); }
  static crolang_status create(const crolang_host*, void** self, char*, std::size_t) {
    g_events.push_back("create " + id());
    static char instance = name;
    *self = &instance;
    return CROLANG_OK;
  }
  static crolang_status fail(const crolang_host*, void**, char* error, std::size_t size) {
    const std::string long_story = "no " + id() + std::string(1000, '!');
    long_story.copy(error, size);
    return CROLANG_UNAVAILABLE;
  }
  static void stop(void*, void (*stopped)(void*), void* call) {
    g_events.push_back("stop " + id());
    stopped(call);
  }
  static void stop_later(void*, void (*stopped)(void*), void* call) {
    g_stopping = {stopped, call};
  }
  static void destroy(void*) { g_events.push_back("destroy " + id()); }
  static constexpr char kId[] = {name, '\0'};
  static constexpr crolang_plugin kEntry{CROLANG_MAGIC,
                                         CROLANG_ABI_MAJOR,
                                         0,
                                         sizeof(crolang_plugin),
                                         0,
                                         kId,
                                         "1.0",
                                         "noted",
                                         kEnv,
                                         1,
                                         kModules,
                                         2,
                                         &create,
                                         &stop,
                                         &destroy,
                                         nullptr,
                                         nullptr};
};

class ModuleSets : public ::testing::Test {
 protected:
  ModuleSets() { g_events.clear(); }

  ModuleSet::Open open() {
    return [this](const std::filesystem::path& file) -> Opened {
      opened_.push_back(file.string());
      const auto found = files_.find(file.string());
      if (found == files_.end()) return Refusal{file.string() + ": broken"};
      return Plugin{file, &found->second};
    };
  }

  Choice choice(const std::string& kind, const std::string& file) {
    return {kinds::find(kind)->kind, file, "VARIABLE"};
  }

  Services services() {
    return {control_, pool_, [](std::string_view) { return std::nullopt; },
            [](std::int32_t, std::string_view, std::string_view) {}};
  }

  void stop(ModuleSet& set) {
    set.stop(
        [this](std::vector<ModuleSet::Straggler> stragglers) { stragglers_ = stragglers.size(); });
    control_.run();
  }

  std::map<std::string, crolang_plugin> files_{{"/p/b.so", Noted<'b'>::kEntry},
                                               {"/q/a.so", Noted<'a'>::kEntry}};
  std::vector<std::string> opened_;
  test::ManualControl control_;
  test::ManualPool pool_;
  std::optional<std::size_t> stragglers_;  // nullopt: stop has not finished
};

TEST_F(ModuleSets, OpensNothingWhenNothingIsChosen) {
  ModuleSet set({}, open());
  EXPECT_THAT(set.refusals(), IsEmpty());
  EXPECT_THAT(set.create(services()), IsEmpty());
  EXPECT_THAT(set.modules(), IsEmpty());
  stop(set);
  EXPECT_THAT(stragglers_, Optional(0u));
}

TEST_F(ModuleSets, SayWhichVariableAskedForAModule) {
  const ModuleSet set({choice("authorization/1", "/p/b.so")}, open());
  ASSERT_EQ(set.modules().size(), 1u);
  EXPECT_EQ(set.modules()[0].variable, "VARIABLE");
}

TEST_F(ModuleSets, OpensAFileOnceForSeveralKinds) {
  ModuleSet set({choice("authorization/1", "/p/b.so"), choice("message-observer/1", "/p/b.so")},
                open());
  EXPECT_THAT(opened_, ElementsAre("/p/b.so"));
  set.create(services());
  ASSERT_EQ(set.modules().size(), 2u);
  EXPECT_EQ(set.modules()[0].table, &kAuthorization);
  EXPECT_EQ(set.modules()[1].table, &kObserver);
  EXPECT_EQ(set.modules()[0].self, set.modules()[1].self);
}

TEST_F(ModuleSets, UsesOnlyTheKindsThatWereAskedFor) {
  const ModuleSet set({choice("message-observer/1", "/p/b.so")}, open());
  ASSERT_EQ(set.modules().size(), 1u);
  EXPECT_EQ(set.modules()[0].kind, kinds::Kind::observer);
}

TEST_F(ModuleSets, RefusesAPluginWithoutTheKindThatIsAskedOfIt) {
  const ModuleSet set({choice("registry/1", "/p/b.so")}, open());
  EXPECT_THAT(
      set.refusals(),
      ElementsAre("/p/b.so: does not provide registry/1, which VARIABLE asks of it; what it "
                  "provides is chosen by AUTHORIZE_NODES_COMMUNICATION_PLUGIN, "
                  "ON_AUTHENTICATED_SOCKET_MSG_PLUGIN"));
}

TEST_F(ModuleSets, TellsOfABrokenFileOnce) {
  const ModuleSet set({choice("authorization/1", "/x.so"), choice("message-observer/1", "/x.so")},
                      open());
  EXPECT_THAT(set.refusals(), ElementsAre("/x.so: broken"));
}

TEST_F(ModuleSets, RefusesTwoPluginsForAKindOfWhichThereIsOne) {
  const ModuleSet set({choice("authorization/1", "/p/b.so"), choice("authorization/1", "/q/a.so")},
                      open());
  EXPECT_THAT(set.refusals(), ElementsAre("/q/a.so: authorization/1 is already provided by "
                                          "/p/b.so (b 1.0); enable one of the two"));
}

TEST_F(ModuleSets, TakesSeveralObservers) {
  const ModuleSet set(
      {choice("message-observer/1", "/p/b.so"), choice("message-observer/1", "/q/a.so")}, open());
  EXPECT_THAT(set.refusals(), IsEmpty());
  EXPECT_EQ(set.modules().size(), 2u);
}

TEST_F(ModuleSets, TakesAnObserverThatIsNamedTwiceOnce) {
  const ModuleSet set(
      {choice("message-observer/1", "/p/b.so"), choice("message-observer/1", "/p/b.so")}, open());
  EXPECT_EQ(set.modules().size(), 1u);
}

TEST_F(ModuleSets, RunsPluginsInTheOrderOfFileNames) {
  ModuleSet set({choice("message-observer/1", "/p/b.so"), choice("message-observer/1", "/q/a.so")},
                open());
  set.create(services());
  stop(set);
  EXPECT_THAT(stragglers_, Optional(0u));
  set.destroy();
  EXPECT_THAT(g_events,
              ElementsAre("create a", "create b", "stop a", "stop b", "destroy a", "destroy b"));
}

TEST_F(ModuleSets, EndsOnlyWhatWasCreated) {
  files_["/q/a.so"].create = &Noted<'a'>::fail;
  ModuleSet set({choice("message-observer/1", "/p/b.so"), choice("message-observer/1", "/q/a.so")},
                open());
  EXPECT_THAT(set.create(services()), ElementsAre(::testing::StartsWith("/q/a.so: create: no a!")));
  stop(set);
  set.destroy();
  EXPECT_THAT(g_events, ElementsAre("create b", "stop b", "destroy b"));
}

TEST_F(ModuleSets, WaitsForAPluginThatStopsLater) {
  files_["/q/a.so"].stop = &Noted<'a'>::stop_later;
  ModuleSet set({choice("authorization/1", "/q/a.so")}, open());
  set.create(services());
  stop(set);
  EXPECT_EQ(stragglers_, std::nullopt);
  g_stopping->stopped(g_stopping->call);
  control_.run();
  EXPECT_THAT(stragglers_, Optional(0u));
}

TEST_F(ModuleSets, DoesNotDestroyAPluginThatDidNotStopInTime) {
  files_["/q/a.so"].stop = &Noted<'a'>::stop_later;
  ModuleSet set({choice("authorization/1", "/q/a.so")}, open());
  set.create(services());
  stop(set);
  control_.pass(std::chrono::seconds(5));
  EXPECT_THAT(stragglers_, Optional(1u));
  set.destroy();
  EXPECT_THAT(g_events, ElementsAre("create a"));
}

TEST_F(ModuleSets, WaitsForBlockingFunctionsOfAStoppedPlugin) {
  static const crolang_host* host;
  files_["/q/a.so"].create = [](const crolang_host* given, void**, char*, std::size_t) {
    host = given;
    return crolang_status{CROLANG_OK};
  };
  ModuleSet set({choice("authorization/1", "/q/a.so")}, open());
  set.create(services());
  host->run_blocking(
      host->ctx, [](void*) { g_events.push_back("blocking"); }, nullptr);
  stop(set);
  EXPECT_EQ(stragglers_, std::nullopt);
  pool_.run_one();
  control_.run();
  EXPECT_THAT(stragglers_, Optional(0u));
  set.destroy();
  EXPECT_THAT(g_events, ElementsAre("stop a", "blocking", "destroy a"));
}

TEST_F(ModuleSets, CheckTheValuesInAllPluginsEachSentenceOnce) {
  files_["/p/b.so"].check = [](const crolang_check* to) {
    to->fault(to->ctx, {"NEEDED: no", 10});
    to->warning(to->ctx, {"careful", 7});
  };
  files_["/q/a.so"].check = [](const crolang_check* to) {
    to->fault(to->ctx, {"NEEDED: no", 10});
    to->fault(to->ctx, {"and more", 8});
    to->warning(to->ctx, {"careful", 7});
  };
  const ModuleSet set(
      {choice("message-observer/1", "/p/b.so"), choice("message-observer/1", "/q/a.so")}, open());
  const CheckResult result = set.check([](std::string_view) { return std::nullopt; }, {});
  EXPECT_THAT(result.faults, ElementsAre("NEEDED: no", "and more"));
  EXPECT_THAT(result.warnings, ElementsAre("careful"));
  EXPECT_THAT(g_events, IsEmpty());
}

TEST_F(ModuleSets, ReloadEachPluginThatCan) {
  files_["/q/a.so"].reload = [](void* self) {
    g_events.push_back("reload " + std::string(1, *static_cast<char*>(self)));
  };
  ModuleSet set({choice("message-observer/1", "/p/b.so"), choice("message-observer/1", "/q/a.so")},
                open());
  const Lookup nothing = [](std::string_view) { return std::nullopt; };
  set.reload(nothing);
  set.create(services());
  set.reload(nothing);
  stop(set);
  set.reload(nothing);
  EXPECT_THAT(g_events, ElementsAre("create a", "create b", "reload a", "stop a", "stop b"));
}

TEST_F(ModuleSets, ReadNothingBehindTheEndOfAShorterEntry) {
  crolang_plugin& older = files_["/q/a.so"];
  older.size = offsetof(crolang_plugin, check);
  older.check = [](const crolang_check*) { g_events.push_back("check"); };
  older.reload = [](void*) { g_events.push_back("reload"); };
  ModuleSet set({choice("authorization/1", "/q/a.so")}, open());
  const Lookup nothing = [](std::string_view) { return std::nullopt; };
  EXPECT_THAT(set.check(nothing, {}).faults, IsEmpty());
  set.create(services());
  set.reload(nothing);
  EXPECT_THAT(g_events, ElementsAre("create a"));
}

TEST(TakesOver, NeedsAFunctionAndAVariableThatIsReloadable) {
  const auto reload = [](void*) {};
  const crolang_env fixed{"X", CROLANG_STRING, CROLANG_SECRET, nullptr, ""};
  const crolang_env reloadable{"X", CROLANG_STRING, CROLANG_RELOADABLE, nullptr, ""};
  crolang_plugin plugin = Noted<'a'>::kEntry;
  EXPECT_FALSE(takes_over(plugin, reloadable));
  plugin.reload = reload;
  EXPECT_TRUE(takes_over(plugin, reloadable));
  EXPECT_FALSE(takes_over(plugin, fixed));
}

}  // namespace
}  // namespace crolang::plugin_host
