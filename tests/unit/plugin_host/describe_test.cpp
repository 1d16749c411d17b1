#include "plugin_host/describe.hpp"

#include <gtest/gtest.h>

namespace crolang::plugin_host {
namespace {

TEST(DescribePlugin, ShowsWhatItProvidesAndReads) {
  constexpr crolang_module kModules[] = {{CROLANG_REGISTRY, nullptr}, {CROLANG_OBSERVER, nullptr}};
  constexpr crolang_env kEnv[] = {
      {"A_URL", CROLANG_URL, CROLANG_REQUIRED | CROLANG_SECRET, nullptr, "where to"},
      {"A_NUMBER", CROLANG_UINT, 0, "7", "how many"},
      {"A_SWITCH", CROLANG_BOOL, 0, "", "whether"},
  };
  crolang_plugin plugin{};
  plugin.id = "org.example.test";
  plugin.version = "1.2.3";
  plugin.description = "a test";
  plugin.modules = kModules;
  plugin.module_count = std::size(kModules);
  plugin.env = kEnv;
  plugin.env_count = std::size(kEnv);
  EXPECT_EQ(describe("/p/test.so", plugin),
            "/p/test.so\n"
            "  org.example.test 1.2.3: a test\n"
            "  provides  registry/1, chosen by NODES_REGISTRY_PLUGIN=test\n"
            "  provides  message-observer/1, chosen by ON_AUTHENTICATED_SOCKET_MSG_PLUGIN=test\n"
            "  reads     A_URL (URL, required, secret): where to\n"
            "  reads     A_NUMBER (number, default 7): how many\n"
            "  reads     A_SWITCH (true or false): whether\n");
}

}  // namespace
}  // namespace crolang::plugin_host
