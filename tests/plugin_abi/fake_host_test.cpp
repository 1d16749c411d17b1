#include <gtest/gtest.h>

#include <atomic>
#include <crolang/testing/fake_host.hpp>

namespace crolang::plugin::testing {
namespace {

constexpr crolang_env kEnv[] = {
    {"SET", CROLANG_STRING, 0, "default", ""},
    {"DEFAULTED", CROLANG_STRING, 0, "default", ""},
    {"ABSENT", CROLANG_STRING, 0, nullptr, ""},
    {"RELOADABLE", CROLANG_STRING, CROLANG_RELOADABLE, nullptr, ""},
};

crolang_plugin with_env() {
  crolang_plugin plugin{};
  plugin.env = kEnv;
  plugin.env_count = std::size(kEnv);
  return plugin;
}

/// The value that a plugin sees; nullopt: none.
std::optional<std::string> value(const FakeHost& host, const char* name) {
  crolang_str text{};
  if (!host.table()->env(host.table()->ctx, name, &text)) return std::nullopt;
  return std::string(text.data, text.size);
}

TEST(FakeHost, HandsOutDeclaredVariablesAndTheirDefaults) {
  const FakeHost host(with_env(), {{"SET", "here"}, {"UNDECLARED", "x"}});
  EXPECT_EQ(value(host, "SET"), "here");
  EXPECT_EQ(value(host, "DEFAULTED"), "default");
  EXPECT_EQ(value(host, "ABSENT"), std::nullopt);
  EXPECT_TRUE(host.log().empty());
}

TEST(FakeHost, LogsWhenAnUndeclaredVariableIsAskedFor) {
  const FakeHost host(with_env(), {{"UNDECLARED", "x"}});
  EXPECT_EQ(value(host, "UNDECLARED"), std::nullopt);
  ASSERT_EQ(host.log().size(), 1u);
  EXPECT_EQ(host.log()[0].level, CROLANG_LOG_ERROR);
}

TEST(FakeHost, ChangesReloadableVariablesOnlyAndKeepsTheirOldValues) {
  FakeHost host(with_env(), {{"SET", "one"}, {"RELOADABLE", "a value of some length"}});
  crolang_str first{};
  ASSERT_TRUE(host.table()->env(host.table()->ctx, "RELOADABLE", &first));
  host.set_env(with_env(), {{"SET", "two"}, {"RELOADABLE", "another"}});
  EXPECT_EQ(value(host, "SET"), "one");
  EXPECT_EQ(value(host, "RELOADABLE"), "another");
  EXPECT_EQ(std::string(first.data, first.size), "a value of some length");
}

TEST(FakeHost, ChecksNothingWithAShorterEntry) {
  crolang_plugin plugin = with_env();
  plugin.check = [](const crolang_check* to) { to->fault(to->ctx, {"no", 2}); };
  plugin.size = offsetof(crolang_plugin, check);
  EXPECT_TRUE(check_variables(plugin).faults.empty());
  plugin.size = sizeof plugin;
  EXPECT_EQ(check_variables(plugin).faults, std::vector<std::string>{"no"});
}

TEST(FakeHost, RunsPostedFunctionsInOrderOnOneThread) {
  FakeHost host(with_env());
  struct Seen {
    std::vector<int> order;
    std::thread::id thread;
  } seen;
  host.on_control([&] { seen.thread = std::this_thread::get_id(); });
  EXPECT_NE(seen.thread, std::this_thread::get_id());
  struct Post {
    Seen* seen;
    int number;
  } posts[] = {{&seen, 1}, {&seen, 2}, {&seen, 3}};
  for (Post& post : posts) {
    host.table()->post(
        host.table()->ctx,
        [](void* arg) {
          const auto& run = *static_cast<Post*>(arg);
          EXPECT_EQ(std::this_thread::get_id(), run.seen->thread);
          run.seen->order.push_back(run.number);
        },
        &post);
  }
  host.wait_until_idle();
  EXPECT_EQ(seen.order, (std::vector{1, 2, 3}));
}

TEST(FakeHost, RunsTimersUnlessTheyAreCancelled) {
  std::promise<void> ran;
  std::atomic<bool> cancelled_ran = false;
  FakeHost host(with_env());
  const auto flag = [](void* arg) { *static_cast<std::atomic<bool>*>(arg) = true; };
  const auto keep = [](void* arg) { static_cast<std::promise<void>*>(arg)->set_value(); };
  const auto* const table = host.table();
  const std::uint64_t number = table->post_after(table->ctx, 20, flag, &cancelled_ran);
  EXPECT_TRUE(table->cancel(table->ctx, number));
  EXPECT_FALSE(table->cancel(table->ctx, number));
  table->post_after(table->ctx, 40, keep, &ran);
  ran.get_future().wait();
  EXPECT_FALSE(cancelled_ran);
}

TEST(FakeHost, HasMetricsWhoseValuesCanBeRead) {
  const FakeHost host(with_env());
  const auto* const metrics = static_cast<const crolang_metrics*>(
      host.table()->service(host.table()->ctx, CROLANG_METRICS));
  ASSERT_NE(metrics, nullptr);
  EXPECT_EQ(host.table()->service(host.table()->ctx, "metrics/2"), nullptr);
  crolang_metric* const asked =
      metrics->declare(metrics->ctx, CROLANG_COUNTER, "asked", "what for", "outcome");
  EXPECT_EQ(metrics->declare(metrics->ctx, CROLANG_GAUGE, "asked", "again", nullptr), nullptr);
  crolang_series* const yes = metrics->series(metrics->ctx, asked, {"yes", 3});
  EXPECT_EQ(metrics->series(metrics->ctx, asked, {"yes", 3}), yes);
  metrics->add(metrics->ctx, yes, 2);
  metrics->set(metrics->ctx, yes, 7);
  metrics->add(metrics->ctx, nullptr, 1);
  EXPECT_EQ(host.metrics().value("asked", "yes"), 2);
  EXPECT_EQ(host.metrics().value("asked", "no"), std::nullopt);
  metrics->remove(metrics->ctx, yes);
  EXPECT_EQ(host.metrics().value("asked", "yes"), std::nullopt);
}

TEST(FakeHost, RefusesBlockingFunctionsOverTheQuota) {
  std::promise<void> go;
  auto wait = go.get_future().share();
  FakeHost host(with_env(), {}, 2);
  const auto block = [](void* arg) { static_cast<std::shared_future<void>*>(arg)->wait(); };
  const auto* const table = host.table();
  EXPECT_TRUE(table->run_blocking(table->ctx, block, &wait));
  EXPECT_TRUE(table->run_blocking(table->ctx, block, &wait));
  EXPECT_FALSE(table->run_blocking(table->ctx, block, &wait));
  go.set_value();
  host.wait_until_idle();
  EXPECT_TRUE(table->run_blocking(table->ctx, block, &wait));
}

}  // namespace
}  // namespace crolang::plugin::testing
