#include "net/plugin_io.hpp"

#include <gtest/gtest.h>

namespace crolang::net {
namespace {

constexpr const char* kPlugin = "org.example.loop";

const crolang_io& table_of(PluginIo& io, const char* plugin) {
  return *static_cast<const crolang_io*>(io.find(plugin, CROLANG_IO));
}

TEST(PluginIo, IsFoundByItsNameAndRevisionOnly) {
  PluginIo io(2);
  EXPECT_NE(io.find(kPlugin, CROLANG_IO), nullptr);
  EXPECT_EQ(io.find(kPlugin, CROLANG_IO), io.find(kPlugin, CROLANG_IO));
  EXPECT_NE(io.find(kPlugin, CROLANG_IO), io.find("org.example.other", CROLANG_IO));
  for (const char* name : {"io", "io/2", "io/10", ""}) EXPECT_EQ(io.find(kPlugin, name), nullptr);
}

TEST(PluginIo, FillsEveryFieldOfTheTable) {
  PluginIo io(2);
  const crolang_io& table = table_of(io, kPlugin);
  EXPECT_EQ(table.size, sizeof(crolang_io));
  EXPECT_EQ(table.worker_count, 2u);
  EXPECT_EQ(table.current_worker(table.ctx), CROLANG_NO_WORKER);
}

TEST(PluginIo, FindsTheWorkerOfANumber) {
  PluginIo io(3);
  const crolang_io& table = table_of(io, kPlugin);
  int calls = 0;
  const auto count = [](void* arg) { ++*static_cast<int*>(arg); };
  const std::uint64_t timer = table.set_timer(table.ctx, 2, 10'000, count, &calls);
  EXPECT_EQ(PluginLoop::worker_of(timer), 2u);
  EXPECT_TRUE(table.cancel_timer(table.ctx, timer));
  EXPECT_TRUE(table.post(table.ctx, 1, count, &calls));
  io.loop(1).enter();
  EXPECT_EQ(table.current_worker(table.ctx), 1u);
  io.loop(1).run();
  io.loop(1).leave();
  EXPECT_EQ(calls, 1);
}

TEST(PluginIo, KnowsNoWorkerThatIsNotThere) {
  PluginIo io(2);
  const crolang_io& table = table_of(io, kPlugin);
  const auto ignore = [](void*) {};
  const auto ignore_event = [](void*, std::uint32_t) {};
  for (const std::uint32_t worker : {2u, 65536u, CROLANG_NO_WORKER}) {
    EXPECT_EQ(table.watch(table.ctx, worker, 0, CROLANG_READABLE, ignore_event, nullptr), 0u);
    EXPECT_EQ(table.set_timer(table.ctx, worker, 1, ignore, nullptr), 0u);
    EXPECT_FALSE(table.post(table.ctx, worker, ignore, nullptr));
  }
  for (const std::uint64_t number : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    EXPECT_FALSE(table.modify(table.ctx, number, 0));
    EXPECT_FALSE(table.unwatch(table.ctx, number, nullptr, nullptr));
    EXPECT_FALSE(table.cancel_timer(table.ctx, number));
  }
}

}  // namespace
}  // namespace crolang::net
