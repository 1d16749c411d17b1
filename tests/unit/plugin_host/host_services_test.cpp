#include "plugin_host/host_services.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/manual_executors.hpp"

namespace crolang::plugin_host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr crolang_env kEnv[] = {
    {"SET", CROLANG_STRING, 0, "default", ""},
    {"DEFAULTED", CROLANG_STRING, 0, "default", ""},
    {"ABSENT", CROLANG_STRING, 0, nullptr, ""},
    {"RELOADABLE", CROLANG_STRING, CROLANG_RELOADABLE, "a default of some length", ""},
};

class HostServices : public ::testing::Test {
 protected:
  HostServices() {
    plugin_.id = "org.example.test";
    plugin_.env = kEnv;
    plugin_.env_count = std::size(kEnv);
    const auto lookup = [](std::string_view name) -> std::optional<std::string> {
      if (name == "SET" || name == "UNDECLARED") return "given";
      return std::nullopt;
    };
    const auto log = [this](std::int32_t level, std::string_view id, std::string_view text) {
      log_.push_back(std::to_string(level) + " " + std::string(id) + " " + std::string(text));
    };
    services_ = std::make_unique<PluginServices>(
        plugin_, Services{control_, pool_, lookup, log, {&unknowing_, &provider_}, 2});
  }

  const crolang_host& host() const { return *services_->table(); }

  std::optional<std::string> env(const char* name) {
    crolang_str value{};
    if (!host().env(host().ctx, name, &value)) return std::nullopt;
    return std::string(value.data, value.size);
  }

  static void count(void* counter) { ++*static_cast<int*>(counter); }

  /// Knows one service, and who asked for it.
  struct Provider final : ServiceProvider {
    const void* find(const char* plugin_id, std::string_view name) noexcept override {
      asked_by = plugin_id;
      return name == "known/1" ? this : nullptr;
    }
    std::string asked_by;
  };

  struct Unknowing final : ServiceProvider {
    const void* find(const char*, std::string_view) noexcept override { return nullptr; }
  };

  crolang_plugin plugin_{};
  test::ManualControl control_;
  test::ManualPool pool_;
  Unknowing unknowing_;
  Provider provider_;
  std::vector<std::string> log_;
  int ran_ = 0;
  std::unique_ptr<PluginServices> services_;
};

TEST_F(HostServices, FillsEveryFunctionOfTheTable) {
  EXPECT_EQ(host().size, sizeof(crolang_host));
  EXPECT_EQ(host().abi_minor, CROLANG_ABI_MINOR);
  EXPECT_EQ(host().service(host().ctx, "anything/1"), nullptr);
}

TEST_F(HostServices, FindsOptionalServicesForThePlugin) {
  EXPECT_EQ(host().service(host().ctx, "known/1"), &provider_);
  EXPECT_EQ(host().service(host().ctx, "known/2"), nullptr);
  EXPECT_EQ(provider_.asked_by, "org.example.test");
}

TEST_F(HostServices, HasNoOptionalServicesWhereThereAreNone) {
  const PluginServices services(
      plugin_, {control_, pool_, [](std::string_view) { return std::nullopt; }, {}});
  EXPECT_EQ(services.table()->service(services.table()->ctx, "known/1"), nullptr);
}

TEST_F(HostServices, LogsUnderThePluginsId) {
  host().log(host().ctx, CROLANG_LOG_WARN, {"careful", 7});
  EXPECT_THAT(log_, ElementsAre("2 org.example.test careful"));
}

TEST_F(HostServices, HandsOutDeclaredVariablesAndTheirDefaults) {
  EXPECT_EQ(env("SET"), "given");
  EXPECT_EQ(env("DEFAULTED"), "default");
  EXPECT_EQ(env("ABSENT"), std::nullopt);
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(HostServices, HandsOutNewValuesOfReloadableVariablesAndKeepsTheOldOnes) {
  crolang_str before{};
  ASSERT_TRUE(host().env(host().ctx, "RELOADABLE", &before));
  services_->reload(plugin_, [](std::string_view) { return "new"; });
  EXPECT_EQ(env("RELOADABLE"), "new");
  EXPECT_EQ(env("SET"), "given");
  EXPECT_EQ(std::string(before.data, before.size), "a default of some length");
}

TEST_F(HostServices, HandsOutValuesOnOtherThreadsWhileTheyAreReloaded) {
  std::atomic<bool> over = false;
  std::atomic<int> seen = 0;
  std::thread reader([&] {
    while (!over) {
      const auto value = env("RELOADABLE");
      const bool is_whole = value && (*value == "a default of some length" ||
                                      *value == std::string(value->size(), value->front()));
      if (!is_whole) ADD_FAILURE() << value.value_or("nothing");
      ++seen;
    }
  });
  for (int round = 0; round < 500; ++round) {
    while (seen < round) std::this_thread::yield();
    const std::string next(static_cast<std::size_t>(20 + round % 20), round % 2 == 0 ? 'a' : 'b');
    services_->reload(plugin_, [&](std::string_view) { return next; });
  }
  over = true;
  reader.join();
}

TEST_F(HostServices, LogsAndHandsOutNothingThatIsNotDeclared) {
  EXPECT_EQ(env("UNDECLARED"), std::nullopt);
  EXPECT_THAT(log_, ElementsAre("3 org.example.test asks for the variable UNDECLARED, which it "
                                "does not declare"));
}

TEST_F(HostServices, PostsToTheControlThread) {
  host().post(host().ctx, &count, &ran_);
  EXPECT_EQ(ran_, 0);
  control_.run();
  EXPECT_EQ(ran_, 1);
}

TEST_F(HostServices, RunsTimersWhenTheyAreDue) {
  host().post_after(host().ctx, 50, &count, &ran_);
  control_.pass(std::chrono::milliseconds(49));
  EXPECT_EQ(ran_, 0);
  control_.pass(std::chrono::milliseconds(50));
  EXPECT_EQ(ran_, 1);
}

TEST_F(HostServices, CancelsATimerOnce) {
  const std::uint64_t timer = host().post_after(host().ctx, 50, &count, &ran_);
  EXPECT_NE(timer, 0u);
  EXPECT_TRUE(host().cancel(host().ctx, timer));
  EXPECT_FALSE(host().cancel(host().ctx, timer));
  control_.pass(std::chrono::milliseconds(50));
  EXPECT_EQ(ran_, 0);
}

TEST_F(HostServices, RefusesBlockingFunctionsOverTheQuota) {
  EXPECT_TRUE(host().run_blocking(host().ctx, &count, &ran_));
  EXPECT_TRUE(host().run_blocking(host().ctx, &count, &ran_));
  EXPECT_FALSE(host().run_blocking(host().ctx, &count, &ran_));
  EXPECT_EQ(pool_.waiting(), 2u);
  EXPECT_EQ(services_->blocking(), 2u);
  pool_.run_one();
  EXPECT_EQ(ran_, 1);
  EXPECT_TRUE(host().run_blocking(host().ctx, &count, &ran_));
}

TEST_F(HostServices, IsIdleOnlyWhenBlockingFunctionsHaveReturned) {
  int idle = 0;
  host().run_blocking(host().ctx, &count, &ran_);
  services_->when_idle([&] { ++idle; });
  control_.run();
  EXPECT_EQ(idle, 0);
  pool_.run_one();
  control_.run();
  EXPECT_EQ(idle, 1);
}

TEST_F(HostServices, IsIdleOnlyWhenPostedFunctionsHaveRun) {
  host().post(host().ctx, &count, &ran_);
  int ran_before_idle = -1;
  services_->when_idle([&] { ran_before_idle = ran_; });
  control_.run();
  EXPECT_EQ(ran_before_idle, 1);
}

TEST_F(HostServices, RunsNothingOnceItIsClosed) {
  host().post(host().ctx, &count, &ran_);
  host().post_after(host().ctx, 50, &count, &ran_);
  services_->close();
  services_.reset();
  control_.run();
  control_.pass(std::chrono::milliseconds(50));
  EXPECT_EQ(ran_, 0);
}

TEST_F(HostServices, RefuseABlockingFunctionForWhichThereIsNoThread) {
  pool_.has_threads = false;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(host().run_blocking(host().ctx, &count, &ran_));
  EXPECT_EQ(services_->blocking(), 0u);
  pool_.has_threads = true;
  EXPECT_TRUE(host().run_blocking(host().ctx, &count, &ran_));
  EXPECT_TRUE(host().run_blocking(host().ctx, &count, &ran_)) << "the quota is given back";
  pool_.run_one();
  pool_.run_one();
  EXPECT_EQ(ran_, 2);
}

}  // namespace
}  // namespace crolang::plugin_host
