#include "ice/configuration.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::ice {
namespace {

TEST(IceConfiguration, HasTheServersInTheirOrder) {
  const Targets all = targets_in(R"({"iceServers":[
      {"urls":["stun:a"]},
      {"urls":["turn:b","turns:c"],"username":"u","password":"p","credential":"p"}]})");
  ASSERT_EQ(all.targets.size(), 4U);
  EXPECT_EQ(all.targets[0].host, "a");
  EXPECT_EQ(all.targets[1].host, "a");
  EXPECT_EQ(all.targets[2].host, "b");
  EXPECT_EQ(all.targets[3].host, "c");
  EXPECT_EQ(all.targets[3].credentials.username, "u");
  EXPECT_EQ(all.targets[3].credentials.password, "p");
}

TEST(IceConfiguration, HasAtMost64Targets) {
  std::string text = R"({"iceServers":[{"username":"u","credential":"p","urls":["turn:h")";
  for (int i = 1; i < 70; ++i) text += ",\"turn:h\"";
  const Targets all = targets_in(text + "]}]}");
  EXPECT_EQ(all.targets.size(), kMaxTargets);
  EXPECT_EQ(all.left_out, 6U);
}

TEST(IceConfiguration, HasNoTargetsInAnotherForm) {
  for (const char* text : {"", "null", "[]", "{}", R"({"iceServers":[1]})",
                           R"({"iceServers":[{"urls":[1,"http://h"]}]})"}) {
    EXPECT_TRUE(targets_in(text).targets.empty()) << text;
  }
}

}  // namespace
}  // namespace crolang::ice
