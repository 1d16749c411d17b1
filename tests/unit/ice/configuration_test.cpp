#include "ice/configuration.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crolang::ice {
namespace {

TEST(IceConfiguration, HasTheServersInTheirOrder) {
  const Targets all = targets_in(R"({"iceServers":[
      {"urls":["stun:a"]},
      {"urls":["turn:b","turns:c"],"username":"u","password":"p","credential":"p"}]})");
  ASSERT_EQ(all.all().size(), 4U);
  EXPECT_EQ(all.all()[0].host, "a");
  EXPECT_EQ(all.all()[1].host, "a");
  EXPECT_EQ(all.all()[2].host, "b");
  EXPECT_EQ(all.all()[3].host, "c");
  EXPECT_EQ(all.all()[3].credentials.username, "u");
  EXPECT_EQ(all.all()[3].credentials.password, "p");
}

TEST(IceConfiguration, HasAtMost64TargetsOfEachService) {
  std::string text = R"({"iceServers":[{"username":"u","credential":"p","urls":["turn:h")";
  for (int i = 1; i < 70; ++i) text += ",\"stun:s\"";
  for (int i = 1; i < 70; ++i) text += ",\"turn:h\"";
  const Targets all = targets_in(text + "]}]}");
  EXPECT_EQ(all.all().size(), 2 * kMaxTargets);
  EXPECT_EQ(all.left_out_turn(), 6U);
  EXPECT_EQ(all.left_out(), 6U + 2 * 69 - 64);
}

TEST(IceConfiguration, TakesEitherNameOfThePassword) {
  for (const char* name : {"credential", "password"}) {
    const Targets all =
        targets_in(std::string(R"({"iceServers":[{"urls":["turn:a"],"username":"u",")") + name +
                   R"(":"p"}]})");
    ASSERT_EQ(all.all().size(), 1U) << name;
    EXPECT_EQ(all.all()[0].credentials.password, "p") << name;
    EXPECT_EQ(all.all()[0].password_name, "") << name;
  }
}

TEST(IceConfiguration, HasATargetForEachOfTwoPasswords) {
  const Targets all = targets_in(R"({"iceServers":[
      {"urls":["stun:a","turn:b"],"username":"u","password":"p","credential":"c"}]})");
  ASSERT_EQ(all.all().size(), 4U) << "stun: by two ways, turn: with two passwords";
  EXPECT_EQ(all.all()[2].credentials.password, "c");
  EXPECT_EQ(all.all()[2].password_name, "credential");
  EXPECT_EQ(all.all()[3].credentials.password, "p");
  EXPECT_EQ(all.all()[3].password_name, "password");
}

TEST(IceConfiguration, HasNoTargetsInAnotherForm) {
  for (const char* text : {"", "null", "[]", "{}", R"({"iceServers":[1]})",
                           R"({"iceServers":[{"urls":[1,"http://h"]}]})"}) {
    EXPECT_TRUE(targets_in(text).all().empty()) << text;
  }
}

}  // namespace
}  // namespace crolang::ice
