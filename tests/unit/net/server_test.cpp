#include "net/server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <variant>

#include "crolang/registry.h"
#include "net/listener.hpp"

namespace crolang::net {
namespace {

using namespace std::chrono_literals;

/// A registry that only hears of the instance's status.
struct StatusRegistry {
  static void set_status(void* self, crolang_str status) {
    auto& registry = *static_cast<StatusRegistry*>(self);
    if (!std::exchange(registry.has_status, true)) {
      registry.status.set_value(std::string(status.data, status.size));
    }
  }
  bool has_status = false;
  std::promise<std::string> status;
};

// What is due at the start does not wait for the first connection, which may come to another
// worker.
TEST(Server, ReportsItsStatusThoughNobodyConnects) {
  crolang_registry table{};
  table.size = sizeof table;
  table.set_status = &StatusRegistry::set_status;
  StatusRegistry registry;
  modules::ModuleTable modules;
  modules.serve(modules::Kind::registry, &table, &registry, "test", "");
  PluginIo plugin_io(2);
  ServerOptions options;
  options.workers = 2;
  options.max_memory_bytes = std::uint64_t{1} << 30;
  auto listener = listen_on("127.0.0.1", 0);
  ASSERT_TRUE(std::holds_alternative<Descriptor>(listener));
  Server server(options, "here", modules, plugin_io, {std::move(std::get<Descriptor>(listener))});
  auto status = registry.status.get_future();
  server.start();
  ASSERT_EQ(status.wait_for(10s), std::future_status::ready);
  EXPECT_NE(status.get().find(R"("instance":"here")"), std::string::npos);
  server.stop();
}

}  // namespace
}  // namespace crolang::net
